import { join } from 'node:path';
import { monotonicMs } from '#hal/wall.ts';
import { channelMrid, channelNames } from '#ieee2030_5/ext/channels.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import type { BareLaneProtocol } from './bare-lane.ts';
import type { BareServerProtocol } from './bare-server.ts';
import { forked } from './forked.ts';
import { machineUs } from './process-figures.ts';

/** PEM; all boards have the server's own. */
export interface BareIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Of each lane: 25 in all. */
const lanes = [13, 12];
const ticksADay = 86_400 / 15;
const warmingTicks = 200;
const measuredTicks = 1000;

const moduleOf = (name: string): string => new URL(`${name}.ts`, import.meta.url).href;

/** A posting as a board sends it. */
function posting(): string {
  const timePeriod = { duration: 15, start: 1_782_136_800n };
  const readings = channelNames.map((name, i) => ({
    mRID: channelMrid('YARDSTICK', name),
    Reading: { timePeriod, value: 123_456 + i },
  }));
  return writeDocument('MirrorMeterReadingList', {
    all: readings.length,
    results: readings.length,
    MirrorMeterReading: readings,
  });
}

/**
 * The peer of the campus's day: the same posts over the same TLS, the same commits of a real database, exchanges as
 * with devices, in as many lanes and in the same lockstep, by programs that do nothing else. Answers the wall seconds of
 * a day, and how many cores they keep busy: the others wait for each other as the campus's do.
 */
export async function bareDay(folder: string): Promise<{ readonly seconds: number; readonly busyCores: number }> {
  await using resources = new AsyncDisposableStack();
  const ca = await CertificateAuthority.openOrCreate(join(folder, 'ca'));
  const made = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server', hosts: ['127.0.0.1'] });
  const identity = { cert: made.certificatePem, key: made.keyPem, ca: made.caPem };
  const server = forked<BareServerProtocol>(resources, 'the bare server', moduleOf('bare-server'));
  const boards = lanes.reduce((sum, lane) => sum + lane, 0);
  const port = await server.call('open', { folder: join(folder, 'bare-database'), boards, identity });
  const links = lanes.map((_, i) => forked<BareLaneProtocol>(resources, `bare lane ${i}`, moduleOf('bare-lane')));
  const body = posting();
  await Promise.all(links.map((link, i) => link.call('open', { boards: lanes[i]!, port, identity, body })));
  const run = async (ticks: number): Promise<void> => {
    for (let tick = 0; tick < ticks; tick++) await Promise.all(links.map((link) => link.call('tick', null)));
  };
  await run(warmingTicks);
  const [started, before] = [monotonicMs(), await machineUs()];
  await run(measuredTicks);
  const seconds = (monotonicMs() - started) / 1000;
  const busyCores = ((await machineUs()).busy - before.busy) / 1e6 / seconds;
  return { seconds: seconds * (ticksADay / measuredTicks), busyCores };
}
