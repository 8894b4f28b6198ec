/** For tests: a meter behind a TCP connection that stalls, is half open, or closes. */
import assert from 'node:assert/strict';
import { FaultyPort } from '#hal/emulated/faults.ts';
import { GridError } from '#hal/errors.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { UnixSeconds } from '#hal/units.ts';
import { monotonicMs } from '#hal/wall.ts';
import { meterBench } from '../meter/meter-bench.ts';
import { meterMap } from '../meter/maps.ts';
import { RegisterMeter } from '../meter/register-meter.ts';
import { ModbusTcpClient } from './client.ts';
import { serveModbusTcp } from './server.ts';

const readings = 20;
const requestTimeoutMs = 60;
/** Two silences and the request after them, on a machine with other work. */
const recoverWithinMs = 5000;

/** A meter behind a connection that stalls, dies silently or closes; readings told while it did. */
async function holds(seed: number): Promise<number> {
  const { state, twin } = meterBench(meterMap('sdm630'));
  await using server = await serveModbusTcp({ port: 0, units: new Map([[1, twin.bank]]) });
  const chances = { late: 0.0005, halfOpen: 0.0001, close: 0.0003 };
  const port = new FaultyPort(new TcpPort('127.0.0.1', server.port), { seed, chances, lateMs: 3 * requestTimeoutMs });
  await using client = new ModbusTcpClient(port, { requestTimeoutMs });
  const meter = new RegisterMeter(meterMap('sdm630'), client, 1, { now: () => UnixSeconds(1_000_000) });
  const read = async (powerW: number): Promise<boolean> => {
    state.powerW = powerW;
    try {
      assert.equal((await meter.read()).powerW, powerW, `seed ${seed}`);
      return true;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      assert.match(error.code, /^GTX-MOD-/);
      return false;
    }
  };
  let told = 0;
  for (let i = 0; i < readings; i++) if (await read(1000 + i)) told++;
  port.faults.isActive = false;
  const healed = monotonicMs();
  while (!(await read(5000))) assert.ok(monotonicMs() - healed < recoverWithinMs, `seed ${seed}: not back`);
  return told;
}

/** So many side by side: more would wait for each other longer than a request may take. */
const atOnce = 50;

/** No old answer is told as a new one, and it recovers. */
export async function holdsOverTcp(seeds: readonly number[]): Promise<void> {
  let told = 0;
  for (let i = 0; i < seeds.length; i += atOnce) {
    for (const each of await Promise.all(seeds.slice(i, i + atOnce).map(holds))) told += each;
  }
  const asked = seeds.length * readings;
  assert.ok(told > 0.3 * asked && told < asked, `${told} readings of ${asked} were told`);
}
