import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { type DeviceChange, type Registration, Registry } from './devices.ts';

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

  const foreign = (n: number, more: Partial<Registration> = {}): Registration => ({
    meterId: lfdi(n),
    lfdi: lfdi(n),
    at: UnixSeconds(900),
    ...more,
  });

  test('a device without a building is registered by its LFDI alone, and what is left out later stays', async () => {
    const given = { pin: 111115, postRate: 60, deviceCategory: Uint8Array.of(1, 2), isAggregator: true };
    const first = await registry.register(foreign(50, given));
    assert.deepEqual(
      [first.building, first.zone, first.ratedW, first.storageWh],
      [undefined, undefined, undefined, undefined],
    );
    assert.equal(await registry.register(foreign(50)), first);
    await registry.register(foreign(50, { description: 'on the roof' }));
    const { pin, postRate, deviceCategory, isAggregator, description } = (await reloaded()).byLfdi(lfdi(50)) ?? {};
    assert.deepEqual([pin, postRate, isAggregator, description], [111115, 60, true, 'on the roof']);
    assert.deepEqual([...(deviceCategory ?? [])], [1, 2]);
  });

  test('a fact is changed, or taken away, and told; the same again changes nothing', async () => {
    const changes: DeviceChange[] = [];
    using _ = registry.onChange((change) => changes.push(change));
    const { id } = await registry.register(foreign(51, { pin: 5 }));
    const changed = await registry.update(id, { pin: undefined, pollRate: 30 }, UnixSeconds(950));
    assert.deepEqual(
      [changed?.pin, changed?.pollRate, changed?.changedAt, changed?.registeredAt],
      [undefined, 30, 950, 900],
    );
    assert.equal(await registry.update(id, { pollRate: 30 }, UnixSeconds(960)), changed);
    assert.equal(await registry.update(9_999, {}, UnixSeconds(960)), undefined);
    assert.deepEqual(
      changes.map(({ kind, device }) => [kind, device.id]),
      [
        ['added', id],
        ['changed', id],
      ],
    );
    assert.deepEqual((await reloaded()).byId(id), changed);
  });

  test('an aggregator acts for itself and for the devices that name it, as long as it is there', async () => {
    const aggregator = await registry.register(foreign(52));
    const [one, two] = [
      await registry.register(foreign(54, { aggregator: aggregator.id })),
      await registry.register(foreign(53, { aggregator: aggregator.id })),
    ];
    for (const each of [registry, await reloaded()]) {
      assert.deepEqual(
        each.actingFor(aggregator).map(({ id }) => id),
        [aggregator.id, two.id, one.id],
      );
      assert.deepEqual(
        each.actingFor(one).map(({ id }) => id),
        [one.id],
      );
    }
    await assert.rejects(registry.register(foreign(55, { aggregator: 9_999 })), { code: 'GTX-REG-002' });
    await assert.rejects(registry.update(one.id, { aggregator: one.id }, UnixSeconds(950)), { code: 'GTX-REG-002' });
    await registry.remove(aggregator.id, { at: UnixSeconds(960), barred: false });
    for (const each of [registry, await reloaded()]) assert.equal(each.byId(one.id)?.aggregator, undefined);
  });

  test('a removed device is nobody; an operator bars it until he registers it again, then it begins anew', async () => {
    const { id } = await registry.register(foreign(56, { pin: 7 }));
    assert.equal(await registry.remove(id, { at: UnixSeconds(970), barred: true }), true);
    assert.equal(await registry.remove(id, { at: UnixSeconds(970), barred: true }), false);
    for (const each of [registry, await reloaded()]) {
      assert.deepEqual([each.byLfdi(lfdi(56)), each.byId(id), each.isBarred(lfdi(56))], [undefined, undefined, true]);
    }
    // Its LFDI is free for another meter, and it is another one then.
    const other = await registry.register(foreign(56, { meterId: 'M56' }));
    assert.notEqual(other.id, id);
    for (const each of [registry, await reloaded()]) {
      assert.deepEqual([each.byLfdi(lfdi(56))?.meterId, each.isBarred(lfdi(56))], ['M56', false]);
    }
    await registry.remove(other.id, { at: UnixSeconds(980), barred: false });
    const back = await registry.register(foreign(56, { meterId: 'M56', at: UnixSeconds(990) }));
    assert.deepEqual([back.id, back.pin, back.registeredAt], [other.id, undefined, 990]);
  });
});
