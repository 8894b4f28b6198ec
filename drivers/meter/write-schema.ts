/** Writes `register-map.schema.json`, the published schema of register maps: `node drivers/meter/write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { registerMapSchema } from '../register-map.ts';

export const schemaFile = fileURLToPath(new URL('register-map.schema.json', import.meta.url));

if (import.meta.main) writeFileSync(schemaFile, `${JSON.stringify(registerMapSchema, null, 2)}\n`);
