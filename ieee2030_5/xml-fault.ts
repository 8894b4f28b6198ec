import { GridError } from '#hal/errors.ts';

/**
 * What is wrong with a document, before the place is known.
 * 001–009 not XML as 2030.5 allows it, 010–019 structure, 020–022 values, 030–032 a value that cannot be written.
 */
export type XmlCode = `GTX-XML-${number}`;

/** Thrown within the codec; its callers get a GridError with the place. */
export class XmlFault extends Error {
  readonly code: XmlCode;
  /** Index into the text; the reader's place when undefined. */
  readonly at: number | undefined;

  constructor(code: XmlCode, message: string, at?: number) {
    super(message);
    this.name = 'XmlFault';
    this.code = code;
    this.at = at;
  }
}

/** `line 3, column 14 (byte 210)`: columns count UTF-16 units from 1, bytes from 0 as in UTF-8. */
export function placeOf(text: string, index: number): string {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return `line ${line}, column ${index - start + 1} (byte ${Buffer.byteLength(text.slice(0, index))})`;
}

const hints: Readonly<Record<string, string>> = {
  '0': 'The document must be well-formed XML 1.0 in UTF-8, without DTD and processing instructions.',
  '1': 'Compare the document with the schema: names, order and number of elements, attributes, namespace.',
  '2': "Compare the value with the schema's type: digits, range, length.",
};

/** The error that a caller sees. */
export function documentError(fault: XmlFault, text: string, index: number): GridError {
  const hint = hints[fault.code.charAt(9)];
  return new GridError(fault.code, `${fault.message} at ${placeOf(text, fault.at ?? index)}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: fault,
  });
}
