import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { planSchema } from './plan-schema.ts';

/** Writes `boards/bench/plan.schema.json` anew: after a step, a quantity or a meter driver was added. */
const file = fileURLToPath(new URL('../../boards/bench/plan.schema.json', import.meta.url));
await writeFileAtomic(file, `${JSON.stringify(planSchema, null, 2)}\n`);
process.stderr.write(`${file} written; \`npm run format\` brings it into the house's form\n`);
