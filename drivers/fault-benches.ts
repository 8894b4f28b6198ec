/** For tests: for every driver what it must hold when its wire and its device fail. */
import assert from 'node:assert/strict';
import { chipUnderFaults, emonUnderFaults } from './ct/fault-bench.ts';
import { holdsOnFaultyLine } from './fault-property.ts';
import { lineFaults } from './modbus/fault-line.ts';
import { shellyUnderFaults } from './mqtt/fault-bench.ts';
import { contactorUnderFaults, rippleUnderFaults } from './relay/fault-bench.ts';
import { noticesStillness } from './stillness-property.ts';
import { testedDrivers } from './tested-drivers.ts';

export interface FaultBench {
  /** As the registry has it. */
  readonly driver: string;
  /** What of it is tested, where there is more than one. */
  readonly of?: string;
  /** It takes one seed in so many: another data file of a driver that is tested already, or a slow fault. */
  readonly every?: number;
  /** Runs each seed; throws for a wrong value that was believed, a crash, and a device that does not come back. */
  run(seeds: readonly number[]): Promise<void>;
}

const oneByOne =
  (run: (seed: number) => Promise<unknown>): FaultBench['run'] =>
  async (seeds) => {
    for (const seed of seeds) await run(seed);
  };

const onModbus = testedDrivers.map(
  (tested): FaultBench => ({
    driver: tested.driver,
    ...(tested.of !== undefined && { of: tested.of }),
    ...(tested.isLikeAnother === true && { every: 5 }),
    run: async (seeds) => {
      const met = new Set<string>();
      let told = 0;
      for (const seed of seeds) {
        const run = await holdsOnFaultyLine(tested, seed);
        for (const fault of run.faults) met.add(fault);
        told += run.told;
      }
      assert.ok(told > 2 * seeds.length, `${told} readings were told on faulty lines`);
      assert.deepEqual([...met].toSorted(), [...lineFaults].toSorted(), 'every kind of fault was met');
    },
  }),
);

const standingStill = testedDrivers.map(
  (tested): FaultBench => ({
    driver: tested.driver,
    of: `${tested.of === undefined ? '' : `${tested.of}, `}standing still`,
    every: 5,
    run: oneByOne((seed) => noticesStillness(tested, seed)),
  }),
);

export const faultBenches: readonly FaultBench[] = [
  ...onModbus,
  ...standingStill,
  ...(['text', 'json', 'emontx3cm'] as const).map((form) => ({
    driver: 'emontx',
    of: form,
    run: oneByOne((seed) => emonUnderFaults(seed, form)),
  })),
  ...(['atm90e32', 'ade7953'] as const).map((chip) => ({
    driver: chip,
    run: oneByOne((seed) => chipUnderFaults(seed, chip)),
  })),
  ...(['gen1', 'em1', 'em'] as const).map((form) => ({
    driver: 'shelly',
    of: form,
    run: oneByOne((seed) => shellyUnderFaults(seed, form)),
  })),
  { driver: 'ripple-receiver', run: oneByOne(rippleUnderFaults) },
  {
    driver: 'contactor',
    // A contactor that does not follow is waited for: side by side.
    run: async (seeds) => void (await Promise.all(seeds.map(contactorUnderFaults))),
  },
];

/** Of so many seeds those that the bench takes. */
export const seedsOf = ({ every = 1 }: FaultBench, count: number): readonly number[] =>
  Array.from({ length: Math.ceil(count / every) }, (_, i) => 1 + i * every);

export const titleOf = ({ driver, of }: FaultBench, seeds: readonly number[]): string =>
  `${of === undefined ? driver : `${driver} (${of})`}: whatever befalls it, nothing wrong is believed, and it comes back (${seeds.length} seeds)`;
