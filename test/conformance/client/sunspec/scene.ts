import assert from 'node:assert/strict';
import type { ConformanceTest } from '../../table.ts';
import { type ClientOptions, ClientUnderTest } from '../client-under-test.ts';
import { type SiteOptions, SiteUnderTest } from '../site-under-test.ts';
import type { ClientStand } from '../stand.ts';
import type { UnderTest } from '../under-test.ts';
import type { Modes, UtilityControl, UtilityProgram } from '../utility/state.ts';

export type SunSpecTest = ConformanceTest<ClientStand>;

export const sunSpecTest = (id: string, title: string, run: (stand: ClientStand) => Promise<void>): SunSpecTest => ({
  list: 'SunSpec CSIP v1.2',
  id,
  title,
  run,
});

/** Poll rate of everything in these tests, seconds. */
export const pollSeconds = 60;
/** Within this a client has polled once and done what follows. */
export const onePoll = pollSeconds + 15;

function prepare(subject: UnderTest): void {
  const { utility } = subject.server;
  const rates = Object.keys(utility.rates).filter((name) => name !== 'edevPost');
  utility.marksSuperseded = true;
  utility.setRates(Object.fromEntries(rates.map((name) => [name, pollSeconds])));
}

/** For a test whose utility is set up as it is. */
export const nothing = (): void => undefined;

/** The client alone, registered out of band; `before` sets the utility up, then the client is switched on. */
export async function withClient(
  options: ClientOptions,
  before: (subject: ClientUnderTest) => void,
  then: (subject: ClientUnderTest) => Promise<void>,
): Promise<void> {
  await using subject = await ClientUnderTest.open(options);
  prepare(subject);
  if (options.devices === undefined) subject.server.utility.register(subject.identity.lfdi, undefined);
  before(subject);
  await subject.boot();
  await then(subject);
}

/** A board with its building, registered out of band. */
export async function withSite(
  options: SiteOptions,
  before: (site: SiteUnderTest) => void,
  then: (site: SiteUnderTest) => Promise<void>,
): Promise<void> {
  await using site = await SiteUnderTest.open({ kind: 'pv', ...options });
  prepare(site);
  site.server.utility.register(site.identity.lfdi, undefined);
  before(site);
  await site.boot();
  await then(site);
}

/** A control of modes that begins so many seconds from now. */
export const addControl = (
  subject: UnderTest,
  program: UtilityProgram,
  modes: Modes,
  { from = 0, seconds = 300, ...more }: { from?: number; seconds?: number } & Partial<UtilityControl> = {},
): UtilityControl =>
  subject.server.utility.addControl(program, {
    start: subject.now + from,
    duration: seconds,
    modes,
    responseRequired: '03',
    ...more,
  });

/** The responses to an event are these, in this order, once each. */
export function assertAnswers(
  subject: UnderTest,
  control: UtilityControl,
  expected: readonly number[],
  device?: number,
): void {
  assert.deepEqual(
    subject.server.utility.answersTo(control, device),
    expected,
    `responses to ${control.tag ?? control.mrid}`,
  );
}

/** The paths that were asked for, first pages only, without repetition. */
export const askedPaths = ({ server }: UnderTest): Set<string> =>
  new Set(server.requests.all.filter(({ method }) => method === 'GET').map(({ path }) => path));

export const timesOf = ({ server }: UnderTest, method: string, path: string): number[] =>
  server.requests.all
    .filter((request) => request.method === method && request.path === path && request.isFirstPage)
    .map(({ at }) => at);

/** Within some part of the rating of 10 kW. */
export function assertPower(what: string, measuredW: number, expectedW: number, withinW = 100): void {
  assert.ok(Math.abs(measuredW - expectedW) <= withinW, `${what}: ${measuredW} W measured, ${expectedW} W expected`);
}

/** W; a limit that nothing in these tests comes near. */
export const exportLimit = (watts: number): { opModExpLimW: number } => ({ opModExpLimW: watts });

/** One program, of primacy 1, with an export limit by default. */
export const addProgram = ({ server: { utility } }: UnderTest, primacy = 1, fsaId = 1) => {
  const program = utility.addProgram({ primacy, fsaId });
  utility.setDefault(program, { modes: exportLimit(1000 + primacy) });
  return program;
};

/** What the grid is like at the connection point from now on. */
export const setGrid = (site: SiteUnderTest, voltagePercent: number, frequencyHz: number): void => {
  site.building.site.grid = () => ({ voltagePercent, frequencyHz });
};

/** What the sun gives, W; the inverter is rated 10 kW. */
export const sunW = 9_000;
/** A device that was cut off comes back after its own delay and ramp, seconds (IEEE 1547-2018 §4.10). */
export const comesBackWithin = 900;

/** What the site told of its state last. */
export const derStatusOf = ({ server }: SiteUnderTest) => server.utility.active?.put.get('der/1/ders')?.node;
