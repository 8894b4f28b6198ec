import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadRegisterMap, type RegisterMap } from '../register-map.ts';

/** Where a meter's data file is put to be known. */
export const mapsFolder = fileURLToPath(new URL('maps', import.meta.url));

/** Every meter that has a data file, by name. Errors: `GTX-MAP-001`, `002` of the file that is wrong. */
export const meterMaps: readonly RegisterMap[] = readdirSync(mapsFolder)
  .filter((file) => file.endsWith('.json'))
  .toSorted()
  .map((file) => loadRegisterMap(join(mapsFolder, file)));

/** @throws RangeError for a name without a data file */
export function meterMap(name: string): RegisterMap {
  const map = meterMaps.find((each) => each.name === name);
  if (map === undefined) throw new RangeError(`no register map ${name}`);
  return map;
}
