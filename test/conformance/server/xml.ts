import { declared, escaped, namespaces } from '../xml.ts';

/** What stands in an element that is to be written: text, or elements in their order; `@name` is an attribute. */
export type Content = string | number | boolean | { readonly [name: string]: Content | readonly Content[] | undefined };

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

/** A document of IEEE 2030.5-2018; elements of CSIP-AUS are written with the prefix `csipaus:`. */
export const documentText = (
  root: string,
  content: { readonly [name: string]: Content | readonly Content[] | undefined },
): string => {
  const ofRoot = Object.entries(namespaces).map(([name, value]) => [`@${name}`, value]);
  return declared(elementText(root, { ...Object.fromEntries(ofRoot), ...content }));
};
