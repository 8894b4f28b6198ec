import { XMLParser } from 'fast-xml-parser';

/** Documents of the raw server: text made here, and texts of the client read by a parser that is not ours. */
export const sepNamespace = 'urn:ieee:std:2030.5:ns';
/** CSIP-AUS v1.2; v1.3 (TS 5573) has the storage and pricing elements too. */
export const csipAusNamespace = 'https://csipaus.org/ns/v1.3';

export type Content = string | number | boolean | bigint | undefined | readonly Content[];
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (found) => escapes[found] ?? found);

const attributesText = (attributes: Attributes): string =>
  Object.entries(attributes)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}="${escaped(String(value))}"`))
    .join('');

const flat = (content: Content): string =>
  content === undefined ? '' : Array.isArray(content) ? content.map(flat).join('') : String(content);

/** An element with attributes and children; the children are elements or text that needs no escape. */
export const element = (name: string, attributes: Attributes, ...content: readonly Content[]): string =>
  `<${name}${attributesText(attributes)}>${flat(content)}</${name}>`;

/** An element without attributes; nothing where it has no value. */
export const field = (name: string, value: Content): string => (value === undefined ? '' : element(name, {}, value));

export const link = (name: string, href: string | undefined, all?: number): string =>
  href === undefined ? '' : element(name, { href, all });

/** A whole document: the root gets the namespaces. */
export const document = (name: string, attributes: Attributes, ...content: readonly Content[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${element(
    name,
    {
      xmlns: sepNamespace,
      'xmlns:csipaus': csipAusNamespace,
      'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
      ...attributes,
    },
    ...content,
  )}`;

/** An element that was read; names without their prefixes. */
export class XmlNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlNode[];
  readonly text: string;

  constructor(name: string, attributes: Readonly<Record<string, string>>, children: readonly XmlNode[], text: string) {
    this.name = name;
    this.attributes = attributes;
    this.children = children;
    this.text = text;
  }

  /** The first descendant along a path of names. */
  child(...path: readonly string[]): XmlNode | undefined {
    const [name, ...rest] = path;
    if (name === undefined) return this;
    return this.children.find((child) => child.name === name)?.child(...rest);
  }

  all(name: string): readonly XmlNode[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The text at a path; `undefined` where it is not. */
  value(...path: readonly string[]): string | undefined {
    return this.child(...path)?.text;
  }

  number(...path: readonly string[]): number | undefined {
    const text = this.value(...path);
    return text === undefined ? undefined : Number(text);
  }

  /** A hexBinary bitmap. */
  bits(...path: readonly string[]): number | undefined {
    const text = this.value(...path);
    return text === undefined ? undefined : Number.parseInt(text, 16);
  }

  /** A value with its power of ten: ActivePower, ReactivePower, WattHour and their like. */
  scaled(...path: readonly string[]): number | undefined {
    const value = this.number(...path, 'value');
    return value === undefined ? undefined : value * 10 ** (this.number(...path, 'multiplier') ?? 0);
  }
}

type Raw = Record<string, unknown>;

const parser = new XMLParser({
  preserveOrder: true,
  removeNSPrefix: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
});

const attributesKey = ':@';
const textKey = '#text';

function nodesOf(raw: readonly Raw[]): XmlNode[] {
  return raw.flatMap((entry) => {
    const name = Object.keys(entry).find((key) => key !== attributesKey && key !== textKey && !key.startsWith('?'));
    if (name === undefined) return [];
    const inner = entry[name] as readonly Raw[];
    const text = inner.map((child) => (textKey in child ? String(child[textKey]) : '')).join('');
    return [new XmlNode(name, (entry[attributesKey] ?? {}) as Record<string, string>, nodesOf(inner), text)];
  });
}

/** Reads a document that a client sent; throws where it is not XML with one root. */
export function readXml(text: string): XmlNode {
  const [root, ...others] = nodesOf(parser.parse(text, true) as Raw[]);
  if (root === undefined || others.length > 0) throw new Error(`not an XML document: ${text.slice(0, 200)}`);
  return root;
}
