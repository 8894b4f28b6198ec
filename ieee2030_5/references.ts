import { XmlFault } from './xml-fault.ts';
import { isXmlText } from './xml-text.ts';

/** Characters of a reference, `&` and `;` included: `&#x10FFFF;` and some leading zeros. */
const longest = 12;

/** A text with its references replaced: the five entities of XML and characters by number. Faults: `GTX-XML-002`. */
export function decodeReferences(raw: string): string {
  let content = '';
  let from = 0;
  for (let at = raw.indexOf('&'); at >= 0; at = raw.indexOf('&', from)) {
    const end = raw.indexOf(';', at) + 1;
    const isShort = end > 0 && end <= at + longest;
    content += raw.slice(from, at) + character(raw.slice(at + 1, isShort ? end : at + longest));
    from = end;
  }
  return from === 0 ? raw : content + raw.slice(from);
}

function character(reference: string): string {
  switch (reference) {
    case 'lt;':
      return '<';
    case 'gt;':
      return '>';
    case 'amp;':
      return '&';
    case 'quot;':
      return '"';
    case 'apos;':
      return "'";
    default: {
      const [, decimal, hex] = /^#(?:([0-9]+)|x([0-9A-Fa-f]+));$/.exec(reference) ?? [];
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      const found = code <= 0x10ffff ? String.fromCodePoint(code) : '\0';
      if (!(code > 0) || !isXmlText(found)) {
        throw new XmlFault('GTX-XML-002', `The reference &${reference} is not allowed`);
      }
      return found;
    }
  }
}
