import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { boardSchema } from '#edge/board-file.ts';

/** Writes `boards/board.schema.json` anew: after a driver, a role or a key of the board file was added. */
const file = fileURLToPath(new URL('board.schema.json', import.meta.url));
await writeFileAtomic(file, `${JSON.stringify(boardSchema, null, 2)}\n`);
process.stderr.write(`${file} written; \`npm run format\` brings it into the house's form\n`);
