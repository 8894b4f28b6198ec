import { XMLParser } from 'fast-xml-parser';

/** What stands in an element that is to be written: text, or elements in their order; `@name` is an attribute. */
export type Content = string | number | boolean | { readonly [name: string]: Content | readonly Content[] | undefined };

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);

function elementText(name: string, content: Content): string {
  if (typeof content !== 'object') return `<${name}>${escaped(String(content))}</${name}>`;
  let attributes = '';
  let inside = '';
  for (const [key, value] of Object.entries(content)) {
    if (value === undefined) continue;
    if (key.startsWith('@')) {
      if (typeof value === 'object') throw new Error(`the attribute ${key} is not text`);
      attributes += ` ${key.slice(1)}="${escaped(String(value))}"`;
    } else
      for (const item of Array.isArray(value) ? (value as readonly Content[]) : [value])
        inside += elementText(key, item as Content);
  }
  return `<${name}${attributes}>${inside}</${name}>`;
}

export const sepNamespace = 'urn:ieee:std:2030.5:ns';
export const csipAusNamespace = 'https://csipaus.org/ns/v1.3';

/** A document of IEEE 2030.5-2018; elements of CSIP-AUS are written with the prefix `csipaus:`. */
export const documentText = (
  root: string,
  content: { readonly [name: string]: Content | readonly Content[] | undefined },
): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${elementText(root, {
    '@xmlns': sepNamespace,
    '@xmlns:csipaus': csipAusNamespace,
    '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    ...content,
  })}`;

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
  const [root] = (parser.parse(text, true) as readonly ParsedNode[]).filter((node) => !('#text' in node));
  if (root === undefined) throw new Error(`no root element in ${text.slice(0, 200)}`);
  return elementOf(root);
}
