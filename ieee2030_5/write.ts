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
import type { Family } from './plans.ts';
import { schemaOf } from './schema.ts';
import type { Roots, RootName } from './types.generated.ts';
import { elementText, Output, prefixes } from './writer.ts';
import { XmlFault } from './xml-fault.ts';

export interface WriteOptions {
  /**
   * The edition whose namespace the peer uses. Default `2018`. A document of 2013 has that edition's names and codes;
   * what it cannot say is left out, and `GTX-XML-030` and `-032` also tell what it requires (rtgMaxA) or bounds (lists
   * of 255 items).
   */
  readonly namespace?: Edition;
  /**
   * The schema to write by. `any` (the default) requires nothing of CSIP-AUS and writes its elements in the namespace
   * of version 1.3; the profiles require theirs, and `ieee-2018` leaves all of them out.
   */
  readonly profile?: ProfileName;
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';

/**
 * An IEEE 2030.5 document in the schema's order. Throws a GridError: `GTX-XML-030` a required member is missing,
 * `-031` a member has the wrong type, `-032` a value is out of range, too long, or cannot stand in XML.
 */
export function writeDocument<N extends RootName>(name: N, value: Roots[N], options: WriteOptions = {}): string {
  const profile = options.profile ?? 'any';
  const edition = options.namespace ?? '2018';
  const schema = schemaOf(profile, edition);
  const root = schema.rootOf(name);
  if (root === undefined) throw new GridError('GTX-XML-010', `There is no document ${name} in this profile`);
  const namespaces: Record<Family, string> = {
    sep: baseNamespaces[edition],
    aus: profile === 'csip-aus-1.2' ? namespaceCsipAus12 : namespaceCsipAus13,
    gtx: namespaceExtension,
  };
  const output = new Output(schema, root.family);
  try {
    const body = elementText(output, root.type, value, name);
    let head = `<${name} xmlns="${namespaces[root.family]}"`;
    for (const family of output.used) head += ` xmlns:${prefixes[family]}="${namespaces[family]}"`;
    if (output.usedXsi) head += ` xmlns:xsi="${namespaceXsi}"`;
    return declaration + head + body;
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    throw new GridError(error.code, `${name} cannot be written: ${error.message}`, {
      hint: 'The program made a document that IEEE 2030.5 does not allow; report it with this line.',
      cause: error,
    });
  }
}
