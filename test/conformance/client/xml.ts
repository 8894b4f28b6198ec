import { declared, escaped, namespaces } from '../xml.ts';

export type Content = string | number | boolean | bigint | undefined | readonly Content[];
export type Attributes = Readonly<Record<string, string | number | undefined>>;

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
  declared(element(name, { ...namespaces, ...attributes }, ...content));
