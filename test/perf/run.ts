import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { followLauncher } from '#cli/launcher-guard.ts';
import { day1, day15, starts } from './campus.ts';
import { codec } from './codec.ts';
import { edge } from './edge.ts';
import { describeFigure, type Figure, isReached } from './figure.ts';
import { modbus } from './modbus.ts';
import { peerCheck } from './peer-check.ts';
import { dcap } from './sep-server.ts';
import { thousand } from './thousand.ts';
import { enrolment, tpmHandshake } from './tpm.ts';

/** `npm run perf [-- NAME… --json FILE]`: measures, prints figures with their targets, exits 1 when one is missed. */
const benchmarks: Readonly<Record<string, () => Promise<Figure[]>>> = {
  codec,
  dcap,
  modbus,
  'peer-check': peerCheck,
  'tpm-handshake': tpmHandshake,
  enrolment,
  edge,
  thousand,
  start: starts,
  'day-15': day15,
  'day-1': day1,
};

followLauncher();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
const unknown = positionals.filter((name) => !(name in benchmarks));
if (values.help === true || unknown.length > 0) {
  const stream = unknown.length > 0 ? process.stderr : process.stdout;
  if (unknown.length > 0) stream.write(`GTX-TST-003 No benchmark is called ${unknown.join(', ')}\n`);
  stream.write(`npm run perf [-- NAME… --json FILE]\nNAME: ${Object.keys(benchmarks).join(', ')}; all unless told.\n`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const figures: Figure[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
  process.stderr.write(`measuring ${name} …\n`);
  const measured = (await benchmarks[name]?.()) ?? [];
  for (const figure of measured) process.stdout.write(`${describeFigure(figure)}\n`);
  figures.push(...measured);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = figures.every(isReached) ? 0 : 1;
