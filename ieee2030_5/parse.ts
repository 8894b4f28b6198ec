import { charactersOf } from './characters.ts';
import { type Edition, namespace2013, namespaceCsipAus12, type ProfileName } from './namespaces.ts';
import { Reader } from './reader.ts';
import type { Roots, RootName } from './types.generated.ts';
import { documentError, XmlFault } from './xml-fault.ts';

export interface ParseOptions<N extends RootName = RootName> {
  /** Unknown elements and attributes are errors, as in the XSD; else they are skipped and counted. Default false. */
  readonly strict?: boolean;
  /** `any` takes the elements in any order, as some servers send them. Default `schema`. */
  readonly order?: 'schema' | 'any';
  /** The root elements that the caller can use; another one is `GTX-XML-010`. */
  readonly expect?: readonly N[];
  /** The schema to hold the document against. Default `any`. */
  readonly profile?: ProfileName;
  /** Bytes of UTF-8. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Nested elements. Default 32; no schema needs more than 10. */
  readonly maxDepth?: number;
}

/** A document by its root element; `switch (document.name)` narrows `document.value`. */
export type ParsedDocument<N extends RootName = RootName> = {
  readonly [K in N]: {
    readonly name: K;
    readonly value: Roots[K];
    /** The edition whose namespace the sender uses; answer in the same. */
    readonly namespace: Edition;
    /** The CSIP-AUS version whose elements the sender uses, if any. */
    readonly csipAus: '1.2' | '1.3' | undefined;
    /** Unknown elements and attributes that were left out. */
    readonly skipped: number;
  };
}[N];

const defaultMaxBytes = 1 << 20;
const defaultMaxDepth = 32;

/**
 * Reads an IEEE 2030.5 document (2018 or 2013 namespace), with the elements of CSIP-AUS and of our extension.
 * Names, order, number, attributes, ranges and lengths are checked; hexBinary becomes bytes, Int64 and UInt64 bigint;
 * an absent optional element is an absent member, and defaults of attributes (pollRate 900) are not filled in.
 * Throws a GridError: `GTX-XML-001`–`009` not XML as 2030.5 allows it (001 not well-formed, 002 DTD, instruction or
 * reference, 003 not UTF-8, 004 too large, 005 too deep), `010`–`019` structure, `020`–`022` values.
 */
export function parseDocument<N extends RootName = RootName>(
  input: Uint8Array | string,
  options: ParseOptions<N> = {},
): ParsedDocument<N> {
  const { text, bytes } = charactersOf(input, options.maxBytes ?? defaultMaxBytes);
  const reader = new Reader(text, bytes, {
    profile: options.profile ?? 'any',
    strict: options.strict ?? false,
    anyOrder: options.order === 'any',
    maxDepth: options.maxDepth ?? defaultMaxDepth,
  });
  try {
    const { root, value } = reader.document();
    if (options.expect !== undefined && !options.expect.some((name) => name === root.name)) {
      throw new XmlFault('GTX-XML-010', `The document is ${root.name}, not ${options.expect.join(' or ')}`, 0);
    }
    const { sep, aus } = reader.state.active;
    const version = aus === namespaceCsipAus12 ? '1.2' : '1.3';
    return {
      name: root.name,
      value,
      namespace: sep === namespace2013 ? '2013' : '2018',
      csipAus: aus === undefined ? undefined : version,
      skipped: reader.state.skipped,
    } as ParsedDocument<N>;
  } catch (error) {
    if (error instanceof XmlFault) throw documentError(error, text, reader.state.scan.at);
    throw error;
  }
}

/** The value of a document whose root element is `name`; throws as `parseDocument` does. */
export function parseAs<N extends RootName>(
  name: N,
  input: Uint8Array | string,
  options: Omit<ParseOptions, 'expect'> = {},
): Roots[N] {
  return parseDocument(input, { ...options, expect: [name] }).value;
}
