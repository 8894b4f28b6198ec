import { GridError } from '#hal/errors.ts';
import {
  baseNamespaces,
  type Edition,
  namespaceCsipAus12,
  namespaceCsipAus13,
  namespaceExtension,
  namespaceXsi,
  type ProfileName,
} from './namespaces.ts';
import { type Family, type RootPlan, type Schema, schemaOf } from './schema.ts';
import type { Roots, RootName } from './types.generated.ts';
import { prefixes, Writer } from './writer.ts';
import { XmlFault } from './xml-fault.ts';

export interface WriteOptions {
  /** The edition whose namespace the peer uses. Default `2018`. */
  readonly namespace?: Edition;
  /**
   * The schema to write by. `any` (the default) requires nothing of CSIP-AUS and writes its elements in the namespace
   * of version 1.3; the profiles require theirs, and `ieee-2018` leaves all of them out.
   */
  readonly profile?: ProfileName;
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
const families: readonly Family[] = ['sep', 'aus', 'gtx'];

/**
 * An IEEE 2030.5 document in the schema's order. Throws a GridError: `GTX-XML-030` a required member is missing,
 * `-031` a member has the wrong type, `-032` a value is out of range, too long, or cannot stand in XML.
 */
export function writeDocument<N extends RootName>(name: N, value: Roots[N], options: WriteOptions = {}): string {
  const profile = options.profile ?? 'any';
  const schema = schemaOf(profile);
  const root = rootOf(schema, name);
  const namespaces: Record<Family, string> = {
    sep: baseNamespaces[options.namespace ?? '2018'],
    aus: profile === 'csip-aus-1.2' ? namespaceCsipAus12 : namespaceCsipAus13,
    gtx: namespaceExtension,
  };
  const writer = new Writer(schema, root.family);
  try {
    const body = writer.element(root.type, value, name);
    let head = `<${name} xmlns="${namespaces[root.family]}"`;
    for (const family of writer.used) head += ` xmlns:${prefixes[family]}="${namespaces[family]}"`;
    if (writer.usedXsi) head += ` xmlns:xsi="${namespaceXsi}"`;
    return declaration + head + body;
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    throw new GridError(error.code, `${name} cannot be written: ${error.message}`, {
      hint: 'The program made a document that IEEE 2030.5 does not allow; report it with this line.',
      cause: error,
    });
  }
}

function rootOf(schema: Schema, name: string): RootPlan {
  for (const family of families) {
    const root = schema.root(family, name);
    if (root !== undefined) return root;
  }
  throw new GridError('GTX-XML-010', `There is no document ${name} in this profile`);
}
