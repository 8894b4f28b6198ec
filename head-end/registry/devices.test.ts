import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { type Registration, Registry } from './devices.ts';

const lfdi = (n: number): string => n.toString(16).toUpperCase().padStart(40, '0');

const registration = (meterId: string, n: number, at = 100): Registration => ({
  meterId,
  name: `Building ${meterId}`,
  building: 'academic',
  zone: 'campus',
  ratedW: 50_000,
  storageWh: 30_000,
  lfdi: lfdi(n),
  at: UnixSeconds(at),
});

suite('the registry', { concurrency: false }, () => {
  let database: Database;
  let registry: Registry;
  const reloaded = async (): Promise<Registry> => {
    const other = new Registry(database);
    await other.start();
    return other;
  };

  before(async () => {
    database = await startTestDatabase();
    registry = new Registry(database);
    await registry.start();
  });
  after(() => database[Symbol.asyncDispose]());

  test('finds a device by its LFDI, and lists devices by meterId', async () => {
    const b = await registry.register(registration('B', 2));
    const a = await registry.register(registration('A', 1));
    assert.equal(registry.byLfdi(lfdi(1)), a);
    assert.equal(registry.byMeterId('B'), b);
    assert.equal(registry.byId(b.id), b);
    assert.equal(registry.byLfdi(lfdi(9)), undefined);
    assert.deepEqual(
      registry.all().map((device) => device.meterId),
      ['A', 'B'],
    );
  });

  test('registering twice changes nothing', async () => {
    const known = registry.byMeterId('A');
    assert.equal(await registry.register(registration('A', 1, 500)), known);
    const other = await reloaded();
    assert.deepEqual(await other.register(registration('A', 1, 600)), known);
  });

  test('a device keeps its identity when its LFDI changes, and the old LFDI opens nothing', async () => {
    const known = registry.byMeterId('A');
    const now = await registry.register(registration('A', 11, 700));
    assert.equal(now.id, known?.id);
    assert.equal(now.registeredAt, 100);
    assert.equal(registry.byLfdi(lfdi(1)), undefined);
    assert.equal((await reloaded()).byLfdi(lfdi(11))?.meterId, 'A');
    const { rows } = await database.pool.query(
      'SELECT valid_from, retired_at FROM device_lfdis WHERE device_id = $1 ORDER BY 1',
      [now.id],
    );
    assert.deepEqual(rows, [
      { valid_from: 100, retired_at: 700 },
      { valid_from: 700, retired_at: null },
    ]);
  });

  test('a retired LFDI comes back into force when it is registered again', async () => {
    await registry.register(registration('A', 1, 800));
    assert.equal(registry.byLfdi(lfdi(1))?.meterId, 'A');
    assert.equal(registry.byLfdi(lfdi(11)), undefined);
  });

  test('an LFDI in force, or retired, of another meter is refused and nothing changes', async () => {
    for (const n of [1, 11]) {
      await assert.rejects(registry.register(registration('C', n)), { code: 'GTX-REG-001' });
    }
    assert.deepEqual((await reloaded()).all(), registry.all());
    assert.equal(registry.all().length, 2);
  });

  test('what is known of a building is brought up to date', async () => {
    await registry.register({ ...registration('B', 2), name: 'New name', ratedW: 60_000 });
    const device = (await reloaded()).byMeterId('B');
    assert.equal(device?.name, 'New name');
    assert.equal(device.ratedW, 60_000);
  });
});
