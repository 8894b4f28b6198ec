import type { ClientProcedure } from '../procedure.ts';
import { procedures } from '../procedures.generated.ts';
import type { ConformanceTest } from '../table.ts';
import { aggregated, ClientUnderTest } from './client-under-test.ts';
import { atSteps, loadSchedule, proceedsAfter, ramps, silentAfter, together, watching } from './handwork.ts';
import { readsPrices } from './prices.ts';
import { runAtSite, runProcedure, type Scene } from './run-procedure.ts';
import { ratedPvW, ratedStorageW, type SiteUnderTest } from './site-under-test.ts';
import type { ClientStand } from './stand.ts';

/** A standing order to charge, of a program that gives way to every other: what import and load limits act on. */
function charging({ server: { utility }, now }: SiteUnderTest): void {
  const program = utility.addProgram({ id: 99, primacy: 200, fsaId: 9 });
  utility.addControl(program, {
    start: now,
    duration: 7 * 86_400,
    modes: { opModStorageTargetW: -ratedStorageW },
    responseRequired: '03',
  });
}

const subscribed: Scene = {
  prepare: ({ server: { utility } }) => {
    utility.isSubscribable = true;
    utility.hasSubscriptionsAtZero = true;
  },
};
const generator: Scene = { kind: 'pv' };
const consumer: Scene = { kind: 'storage', prepare: charging };
const both = (...scenes: readonly Scene[]): Scene => ({
  ...Object.assign({}, ...scenes),
  prepare: (site) => {
    for (const { prepare } of scenes) prepare?.(site);
  },
});

const variableLoad = [
  [0, 0],
  [120, 0.2],
  [240, 0.1],
  [360, 0],
] as const;

/** What each procedure asks of the site and of the people at it, where it is not the ordinary hybrid site. */
const scenes: Readonly<Record<string, Scene>> = {
  'ALL-03-REJ': { hands: silentAfter('WAIT-TEST-END') },
  'ALL-06': { prepare: (site) => void (site.loadW = ratedPvW / 4) },
  'ALL-07': {
    hands: atSteps({
      'PUT-DERSTATUS-DISCONNECT': (site) => site.isolate(true),
      'PUT-DERSTATUS-CONNECT': (site) => site.isolate(false),
    }),
  },
  'ALL-08': {
    kind: 'pv',
    hands: atSteps({
      'PUT-DERSTATUS-DISCONNECT': (site) => void (site.pvW = 0),
      'PUT-DERSTATUS-CONNECT': (site) => void (site.pvW = 9_000),
    }),
  },
  'ALL-14': subscribed,
  'ALL-15': subscribed,
  'ALL-16': subscribed,
  'ALL-17': subscribed,
  'ALL-25': {
    kind: 'pv',
    hands: ramps({
      'WAIT-CONTROL-1-FINISH': { fromW: 0, toW: 3_000, seconds: 60 },
      'WAIT-CONTROL-2-FINISH': { fromW: 0, toW: 5_000, seconds: 50 },
    }),
  },
  'ALL-25-EXT': { sampleSeconds: 20 },
  'ALL-28': {
    kind: 'pv',
    hands: ramps({
      'WAIT-RAMP-DERC-3': { fromW: 1_000, toW: 5_000, seconds: 60 },
      'WAIT-RAMP-DEFAULT': { fromW: 5_000, toW: 0, seconds: 50 },
      'WAIT-RAMP-DERC-4': { fromW: 0, toW: 3_000, seconds: 30 },
    }),
  },
  'ALL-30': {
    hands: (site) =>
      together(
        atSteps({ 'CLIENT-POWER-CYCLE': () => site.powerCycle() })(site),
        proceedsAfter('REESTABLISH-COMMUNICATION', 300)(site),
      ),
  },
  'ALT-LOA-13': { hands: loadSchedule(ratedStorageW, variableLoad) },
  // 1.67 % of 10 kW a second.
  'GEN-03': { hands: ramps({ 'WAIT-RAMP-DEFAULT-DERC': { fromW: 9_000, toW: 3_000, seconds: 36 } }) },
  'GEN-04': { hands: ramps({ 'WAIT-RAMP-DEFAULT-DERC': { fromW: 9_000, toW: 3_000, seconds: 36 } }) },
  'GEN-05': subscribed,
  'GEN-06': subscribed,
  'GEN-07': subscribed,
  'GEN-08': subscribed,
  'GEN-13': { hands: loadSchedule(ratedPvW, variableLoad) },
  'LOA-05': subscribed,
  'LOA-06': subscribed,
  'LOA-07': subscribed,
  'LOA-08': subscribed,
  'LOA-13': { hands: loadSchedule(ratedStorageW, variableLoad) },
  'MUL-01': {
    hands: atSteps({
      'PUT-DERSTATUS-FIRST-DISCONNECT': (site) => site.isolate(true, 'inverter'),
      'PUT-DERSTATUS-FULL-DISCONNECT': (site) => site.isolate(true),
    }),
  },
  // Upstream's server has this list there too; addresses are the server's choice.
  'P-03': { prepare: ({ server: { utility } }) => void (utility.programListHref = '/edev/1/derp') },
  // The client mirrors what it measures from its start on: to be seen at it, it starts anew.
  'STO-01': { hands: atSteps({ 'POST-MUP': (site) => site.powerCycle() }) },
  'STO-04': { hands: atSteps({ 'POST-MUP': (site) => site.powerCycle() }) },
  // The DER is registered once more, as in STO-02.
  'STO-05': { hands: atSteps({ 'GET-DER': (site) => site.powerCycle() }) },
  // The client has had two polls by then.
  'PRC-02': { hands: readsPrices('PROCEED-TEST-END', 120) },
};

const kindOf = (id: string): Scene => {
  if (id.startsWith('GEN-')) return generator;
  if (id.startsWith('LOA-') || id.startsWith('ALT-LOA-')) return consumer;
  if (id.startsWith('STO-')) return { kind: 'storage' };
  if (id.startsWith('DR')) return { demandResponse: true };
  if (id.startsWith('PRC-')) return { prepare: ({ server: { utility } }) => void (utility.hasPricing = true) };
  return {};
};

const sceneOf = (id: string): Scene => {
  const scene = both(kindOf(id), scenes[id] ?? {});
  return { ...scene, hands: (site) => together(watching(site), scene.hands?.(site) ?? {}) };
};

/** Two EndDevices of one certificate: an aggregator's. It has no site; what it answers is what counts. */
async function runAsAggregator(procedure: ClientProcedure, stand: ClientStand): Promise<void> {
  await using subject = await ClientUnderTest.open({ stand, devices: aggregated(2), registration: 'in band' });
  subject.server.utility.register(subject.identity.lfdi, undefined, 0);
  await runProcedure(procedure, subject, {});
}

const test = (id: string, procedure: ClientProcedure): ConformanceTest<ClientStand> => ({
  list: 'CSIP-AUS',
  id,
  title: procedure.title,
  run: (stand) => (id === 'P-01' ? runAsAggregator(procedure, stand) : runAtSite(procedure, sceneOf(id), stand)),
});

/** The 83 procedures for clients. */
export const csipAusTests: readonly ConformanceTest<ClientStand>[] = Object.entries(procedures.client).map(
  ([id, procedure]) => test(id, procedure),
);
