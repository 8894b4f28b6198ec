import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { array, asyncProperty, assert as check, integer } from 'fast-check';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { channelMrid, channelTypes } from '#ieee2030_5/ext/channels.ts';
import { mridOf } from '#ieee2030_5/identity.ts';
import type { MirrorMeterReading } from '#ieee2030_5/types.generated.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { Registry } from '../registry/devices.ts';
import { ReadingStore } from './store.ts';

const period = 15;

suite('the registers of a building whose boards are replaced', { concurrency: false }, () => {
  let database: Database;
  let readings: ReadingStore;
  let meters = 0;
  const opened = async (): Promise<ReadingStore> => {
    const store = new ReadingStore({ pool: database.pool, log: createLog('test', 'silent') });
    await store.start();
    return store;
  };

  before(async () => {
    database = await startTestDatabase();
    readings = await opened();
  });
  after(async () => {
    await readings[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  interface Meter {
    readonly device: number;
    readonly point: number;
    readonly mRID: Uint8Array;
  }

  const meter = async (name: 'gridImport' | 'storagePower' = 'gridImport'): Promise<Meter> => {
    const meterId = `SWAP-${++meters}`;
    const registry = new Registry(database);
    await registry.start();
    const { id } = await registry.register({
      meterId,
      lfdi: meters.toString(16).padStart(40, '0'),
      at: UnixSeconds(0),
    });
    const mRID = channelMrid(meterId, name);
    const { description: _, ...type } = channelTypes[name];
    const point = await readings.upsertMirrorUsagePoint(id, {
      mRID: mridOf(meterId),
      roleFlags: Uint8Array.of(0, 3),
      serviceCategoryKind: 0,
      status: 1,
      deviceLFDI: new Uint8Array(20),
      MirrorMeterReading: [{ mRID, ReadingType: type }],
    });
    return { device: id, point: point.id, mRID };
  };
  const posted = ({ mRID }: Meter, start: number, value: number): MirrorMeterReading => ({
    mRID,
    Reading: { value, timePeriod: { start: BigInt(start), duration: period } },
  });
  const stored = async ({ device }: Meter): Promise<number[]> => {
    const { rows } = await database.pool.query<{ value: number }>(
      `SELECT r.value FROM readings r JOIN reading_channels c ON c.id = r.channel_id
       WHERE c.device_id = $1 ORDER BY r.period_start`,
      [device],
    );
    return rows.map(({ value }) => value);
  };

  test('whatever the new registers begin with, the building’s go on from where they were', async () => {
    await check(
      asyncProperty(
        array(array(integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
        array(integer({ min: 0, max: 10_000_000 }), { minLength: 4, maxLength: 4 }),
        async (boards, begins) => {
          const one = await meter();
          let time = 1000 * period;
          const deltas: number[] = [];
          for (const [n, used] of boards.entries()) {
            let register = begins[n] ?? 0;
            if (n > 0) await readings.swapRegisters(one.device, UnixSeconds(time));
            for (const [i, energy] of used.entries()) {
              register += energy;
              // The first value of a new register is where the old one ended.
              if (i > 0) deltas.push(energy);
              else if (n > 0) deltas.push(0);
              await readings.post(one.point, [posted(one, time, register)]);
              time += period;
            }
          }
          const values = await stored(one);
          assert.deepEqual(
            values.slice(1).map((value, i) => value - (values[i] ?? 0)),
            deltas,
          );
        },
      ),
      { numRuns: 12 },
    );
  });

  test('a post that comes again, after a restart too, is the same reading', async () => {
    const one = await meter();
    await readings.post(one.point, [posted(one, 1500, 900)]);
    await readings.swapRegisters(one.device, UnixSeconds(1515));
    await readings.post(one.point, [posted(one, 1515, 5)]);
    assert.deepEqual(await readings.post(one.point, [posted(one, 1515, 5)]), {
      stored: 0,
      duplicates: 1,
      conflicts: 0,
    });
    await readings[Symbol.asyncDispose]();
    readings = await opened();
    assert.deepEqual(await readings.post(one.point, [posted(one, 1515, 5)]), {
      stored: 0,
      duplicates: 1,
      conflicts: 0,
    });
    await readings.post(one.point, [posted(one, 1530, 12)]);
    assert.deepEqual(await stored(one), [900, 900, 907]);
  });

  test('what the old board had measured before the swap is the old register’s, however late it comes', async () => {
    const one = await meter();
    await readings.post(one.point, [posted(one, 1500, 900)]);
    await readings.post(one.point, [posted(one, 1530, 930)]);
    await readings.swapRegisters(one.device, UnixSeconds(1545));
    await readings.post(one.point, [posted(one, 1545, 3), posted(one, 1515, 915)]);
    assert.deepEqual(await stored(one), [900, 915, 930, 930]);
  });

  test('only registers are shifted: a power is what it is', async () => {
    const one = await meter('storagePower');
    await readings.post(one.point, [posted(one, 1500, -700)]);
    await readings.swapRegisters(one.device, UnixSeconds(1515));
    await readings.post(one.point, [posted(one, 1515, 40)]);
    assert.deepEqual(await stored(one), [-700, 40]);
  });
});
