import { XMLParser } from 'fast-xml-parser';

export const sepNamespace = 'urn:ieee:std:2030.5:ns';
/** CSIP-AUS v1.2; v1.3 (TS 5573) has the storage and pricing elements too. */
export const csipAusNamespace = 'https://csipaus.org/ns/v1.3';

/** The attributes of a root: the default namespace, the prefix `csipaus:`, and that of `xsi:type`. */
export const namespaces = {
  xmlns: sepNamespace,
  'xmlns:csipaus': csipAusNamespace,
  'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
} as const;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => escapes[sign] ?? sign);

/** A document with this root element. */
export const declared = (root: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${root}`;

/** An element as it was read. Names are without prefixes. */
export class XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;

  constructor(
    name: string,
    attributes: Readonly<Record<string, string>>,
    children: readonly XmlElement[],
    text: string,
  ) {
    this.name = name;
    this.attributes = attributes;
    this.children = children;
    this.text = text;
  }

  get href(): string | undefined {
    return this.attributes['href'];
  }

  all(name: string): readonly XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The element at a path of names; the first where there are several. */
  at(...path: readonly string[]): XmlElement | undefined {
    const [first, ...rest] = path;
    if (first === undefined) return this;
    return this.children.find(({ name }) => name === first)?.at(...rest);
  }

  /** The text at a path of names. */
  value(...path: readonly string[]): string | undefined {
    return this.at(...path)?.text;
  }

  /** The number at a path of names. */
  number(...path: readonly string[]): number | undefined {
    const text = this.value(...path);
    return text === undefined ? undefined : Number(text);
  }

  /** Where a link of that name leads. */
  link(name: string): string | undefined {
    return this.at(name)?.href;
  }

  /** The hexBinary bitmap at a path of names. */
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

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
  trimValues: true,
});

const withoutPrefix = (name: string): string => name.slice(name.indexOf(':') + 1);

type ParsedNode = Readonly<Record<string, unknown>>;

function elementOf(node: ParsedNode): XmlElement {
  const name = Object.keys(node).find((key) => key !== ':@') ?? '';
  const inside = (node[name] ?? []) as readonly ParsedNode[];
  const children = inside.filter((child) => !('#text' in child)).map(elementOf);
  const text = inside.map((child) => ('#text' in child ? String(child['#text']) : '')).join('');
  const attributes = Object.entries((node[':@'] ?? {}) as Readonly<Record<string, string>>)
    .filter(([key]) => !key.startsWith('xmlns:'))
    .map(([key, value]) => [withoutPrefix(key), value]);
  return new XmlElement(withoutPrefix(name), Object.fromEntries(attributes), children, text);
}

/** Reads a document, with another library than the one under test uses. Throws where it is not XML. */
export function readDocument(text: string): XmlElement {
  const [root, ...others] = (parser.parse(text, true) as readonly ParsedNode[]).filter((node) => !('#text' in node));
  if (root === undefined || others.length > 0) throw new Error(`not one root element in ${text.slice(0, 200)}`);
  return elementOf(root);
}
