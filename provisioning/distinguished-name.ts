import { type Element, elementOf, identifierOf, within } from './der-reader.ts';

const utf16 = new TextDecoder('utf-16be');

/** Text of an attribute's value by its string type; undefined for what is compared octet by octet. */
const readers: Readonly<Record<number, (content: Uint8Array) => string>> = {
  // UTF8String
  0x0c: (content) => Buffer.from(content).toString('utf8'),
  // PrintableString
  0x13: (content) => Buffer.from(content).toString('latin1'),
  // IA5String
  0x16: (content) => Buffer.from(content).toString('latin1'),
  // BMPString
  0x1e: (content) => utf16.decode(content),
};

/**
 * A distinguished name (encoded) in a form that is the same for names that RFC 5280 §7.1 counts as the same: whatever
 * their string types, case and spaces. Throws GTX-PRV-030 for what is no name.
 */
export const canonicalName = (encoded: Uint8Array): string =>
  JSON.stringify(within(elementOf(encoded)).map((part) => within(part, 0x31).map(canonicalAttribute).toSorted()));

function canonicalAttribute(attribute: Element): string {
  const [type, value] = within(attribute);
  const text = value && readers[value.tag]?.(value.content);
  const folded = text?.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
  // What is no text cannot be taken for one: a text has a quotation mark in front.
  return `${identifierOf(type)}=${folded === undefined ? hex(value) : `"${folded}`}`;
}

const hex = (value: Element | undefined): string => Buffer.from(value?.encoded ?? []).toString('hex');
