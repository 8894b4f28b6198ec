import { openDatabase } from '#head-end/database/database.ts';
import { createLog } from '#hal/log.ts';
const db = await openDatabase({ folder: process.argv[2]!, log: createLog('q', 'silent') });
const { rows } = await db.pool.query(process.argv[3]!);
console.table(rows);
await db[Symbol.asyncDispose]();
