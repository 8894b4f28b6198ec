import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { scanDevice } from './device-map.ts';
import { DirectBus, inverterAt, patched } from './twin-bench.ts';

const idsOf = async (bus: DirectBus): Promise<readonly number[]> =>
  (await scanDevice(bus, 1)).blocks.map(({ id }) => id);

test('a device is found wherever the standard lets it put its map', async () => {
  const { twin } = inverterAt(10_000);
  for (const base of [0, 40_000, 50_000]) {
    assert.deepEqual(await idsOf(new DirectBus(twin.bank, base - 40_000)), [1, 103, 120, 123], `${base}`);
  }
  await assert.rejects(scanDevice(new DirectBus(twin.bank, 10), 1), (error: GridError) => error.code === 'GTX-SUN-001');
});

test('a model whose length is wrong is named', async () => {
  const { twin } = inverterAt(10_000);
  // Model 103 stands at 40070, its length one register on; the standard has 50.
  for (const length of [10, 49, 51, 500, 65_000]) {
    const bus = new DirectBus(patched(twin.bank, { 40_071: length }));
    await assert.rejects(scanDevice(bus, 1), (error: unknown) => {
      assert.ok(error instanceof GridError && error.code === 'GTX-SUN-002', String(error));
      assert.match(error.hint ?? '', /update its firmware/);
      assert.match(error.message, new RegExp(`model 103 has ${length} registers, the standard has 50`));
      return true;
    });
  }
});
