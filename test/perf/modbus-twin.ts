/** The child of the benchmark `modbus`: a twin of a meter on Modbus TCP; prints its port. */
import { TwinSet } from '#drivers/twin-set.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';

const twins = new TwinSet(
  { ports: [{ tcp: 0, devices: [{ twin: 'sdm630' }] }] },
  { now: () => UnixSeconds(wallSeconds()) },
);
const [served] = await twins.start();
process.stdout.write(`${served?.at.split(':')[1]}\n`);
