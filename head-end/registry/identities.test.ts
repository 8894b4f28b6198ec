import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Lfdi, parseLfdi } from '#ieee2030_5/identity.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { Replacements } from './replacements.ts';
import { type CertificateFacts, type Device, type DeviceChange, Registry } from './devices.ts';

const lfdi = (n: number): Lfdi => parseLfdi(n.toString(16).padStart(40, '0'));
const began = wallSeconds();
const inDays = (days: number): UnixSeconds => UnixSeconds(began + days * 86_400);
const certificate = (n: number, days = 90): CertificateFacts => ({ number: n.toString(16), notAfter: inDays(days) });
const at = (n: number): UnixSeconds => UnixSeconds(1000 + n);

suite('identities of a device', { concurrency: false }, () => {
  let database: Database;
  let registry: Registry;
  const both = async (): Promise<Registry[]> => {
    const other = new Registry(database);
    await other.start();
    return [registry, other];
  };
  const device = (n: number, days = 90): Promise<Device> =>
    registry.register({ meterId: `M${n}`, name: 'x', lfdi: lfdi(n), at: at(0), certificate: certificate(n, days) });
  const renew = async ({ id, lfdi: replaces }: Device, n: number): Promise<Device> => {
    await registry.offer(id, { lfdi: lfdi(n), replaces, certificate: certificate(n) }, at(n));
    return await registry.activate(lfdi(n), at(n));
  };

  before(async () => {
    database = await startTestDatabase();
    registry = new Registry(database);
    await registry.start();
  });
  after(() => database[Symbol.asyncDispose]());

  test('a new certificate comes into force when its device comes with it, and not before', async () => {
    const known = await device(1);
    await registry.offer(known.id, { lfdi: lfdi(101), replaces: lfdi(1), certificate: certificate(101) }, at(1));
    for (const each of await both()) {
      assert.deepEqual([each.standingOf(lfdi(1)), each.standingOf(lfdi(101))], ['in-force', 'pending']);
      assert.equal(each.byLfdi(lfdi(101)), undefined);
    }
    const changes: DeviceChange[] = [];
    using _ = registry.onChange((change) => changes.push(change));
    const now = await registry.activate(lfdi(101), at(2));
    assert.equal(await registry.activate(lfdi(101), at(3)), now);
    assert.deepEqual(
      changes.map(({ device: one, before: old }) => [one.lfdi, old?.lfdi]),
      [[lfdi(101), lfdi(1)]],
    );
    for (const each of await both()) {
      assert.equal(each.byLfdi(lfdi(101))?.id, known.id);
      assert.equal(each.byLfdi(lfdi(1)), undefined);
    }
    const history = await registry.identities(known.id);
    assert.deepEqual(
      history.map(({ lfdi: one, state, from, until }) => [one, state, from, until]),
      [
        [lfdi(101), 'in-force', at(1), undefined],
        [lfdi(1), 'retired', at(0), at(2)],
      ],
    );
    assert.deepEqual(history[0]?.certificate, certificate(101));
  });

  test('a certificate that was offered and never used gives way to the next one', async () => {
    const known = await device(2);
    for (const n of [102, 103]) {
      await registry.offer(known.id, { lfdi: lfdi(n), replaces: lfdi(2), certificate: certificate(n) }, at(n));
    }
    for (const each of await both()) {
      assert.deepEqual([each.standingOf(lfdi(102)), each.standingOf(lfdi(103))], ['unknown', 'pending']);
    }
    await assert.rejects(registry.activate(lfdi(102), at(9)), { code: 'GTX-REG-003' });
    assert.equal((await registry.activate(lfdi(103), at(9))).id, known.id);
  });

  test('only the certificate in force can be replaced, and only by one that nobody has', async () => {
    const [known, other] = [await device(3), await device(4)];
    const offer = (replaces: number, n: number): Promise<void> =>
      registry.offer(known.id, { lfdi: lfdi(n), replaces: lfdi(replaces), certificate: certificate(n) }, at(1));
    await assert.rejects(offer(4, 105), { code: 'GTX-REG-003' }, "another device's");
    await assert.rejects(offer(3, 4), { code: 'GTX-REG-001' }, 'by one of another device');
    await renew(known, 104);
    await assert.rejects(offer(3, 105), { code: 'GTX-REG-003' }, 'retired');
    assert.equal(registry.byLfdi(lfdi(4))?.id, other.id);
  });

  test('of two that replace one certificate at once one fails', async () => {
    const known = await device(5);
    const outcomes = await Promise.allSettled([renew(known, 106), renew(known, 107)]);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const { rows } = await database.pool.query<{ n: number }>(
      'SELECT count(*) AS n FROM device_lfdis WHERE device_id = $1 AND retired_at IS NULL',
      [known.id],
    );
    assert.equal(rows[0]?.n, 1);
  });

  test('a replacement by a certificate of another device, also by a retired one, begins no registers anew', async () => {
    const [known, other] = [await device(20), await device(21)];
    await renew(other, 121);
    let swaps = 0;
    const clock = new VirtualClock(at(2));
    const readings = { swapRegisters: () => Promise.resolve(void swaps++) };
    const securityLog = { record: () => Promise.resolve() };
    const replacements = new Replacements({ clock, registry, readings, securityLog });
    const replace = (n: number): Promise<void> =>
      replacements.replace(known, { lfdi: lfdi(n), registers: 'anew', reason: 'burnt', actor: 'test' });
    for (const n of [21, 121]) await assert.rejects(replace(n), { code: 'GTX-REG-001' });
    assert.equal(swaps, 0);
    await replace(120);
    assert.deepEqual([swaps, registry.byLfdi(lfdi(120))?.id], [1, known.id]);
  });

  test('a revoked certificate stands for nobody, its device stays, and another certificate brings it back', async () => {
    const known = await device(6);
    const revocation = { at: wallSeconds(), reason: 'keyCompromise' };
    assert.equal(await registry.revoke(lfdi(6), revocation), true);
    assert.equal(await registry.revoke(lfdi(6), revocation), false);
    for (const each of await both()) {
      assert.equal(each.byLfdi(lfdi(6)), undefined);
      assert.equal(each.standingOf(lfdi(6)), 'revoked');
      assert.ok(each.isBarred(lfdi(6)));
      assert.equal(each.byMeterId('M6')?.id, known.id);
    }
    const back = await registry.register({ meterId: 'M6', lfdi: lfdi(108), at: at(2) });
    for (const each of await both()) {
      assert.equal(each.byLfdi(lfdi(108))?.id, back.id);
      assert.equal(each.standingOf(lfdi(6)), 'revoked');
    }
    assert.equal((await registry.identities(known.id)).at(-1)?.revoked?.reason, 'keyCompromise');
  });

  test('a device in quarantine stands for nobody, nobody acts for it, and its release brings it back', async () => {
    const [known, aggregator] = [await device(7), await device(8)];
    await registry.update(known.id, { aggregator: aggregator.id }, at(1));
    const quarantine = { since: at(2), reason: 'forged readings' };
    await registry.quarantine(known.id, quarantine);
    for (const each of await both()) {
      assert.equal(each.byLfdi(lfdi(7)), undefined);
      assert.equal(each.standingOf(lfdi(7)), 'quarantined');
      assert.deepEqual(each.byMeterId('M7')?.quarantine, quarantine);
      assert.equal(each.actingFor(aggregator).length, 1);
    }
    await registry.update(known.id, { pollRate: 60 }, at(3));
    assert.deepEqual(registry.byId(known.id)?.quarantine, quarantine, 'a change of something else releases nobody');
    await registry.quarantine(known.id, undefined);
    for (const each of await both()) {
      assert.equal(each.byLfdi(lfdi(7))?.id, known.id);
      assert.equal(each.actingFor(aggregator).length, 2);
    }
  });

  test('readings, orders and accounts follow the device through its certificates', async () => {
    const known = await device(9);
    const { pool } = database;
    await pool.query(
      `INSERT INTO mirror_usage_points (device_id, mrid, role_flags, service, status, description)
       VALUES ($1, '\\x01', '\\x0003', 0, 1, '')`,
      [known.id],
    );
    await pool.query(
      `INSERT INTO orders (meter_id, mrid, side, energy_wh, price_limit, window_start, placed_at)
       VALUES ('M9', decode(repeat('00', 16), 'hex'), 'buy', 1, 1, 300, 1)`,
    );
    let last = known;
    for (const n of [200, 201, 202]) last = await renew(last, n);
    assert.deepEqual([last.id, last.meterId], [known.id, 'M9']);
    const { rows } = await pool.query<{ lfdi: Buffer }>(
      `SELECT l.lfdi FROM orders o JOIN devices d USING (meter_id) JOIN mirror_usage_points m ON m.device_id = d.id
       JOIN device_lfdis l ON l.device_id = d.id AND l.retired_at IS NULL AND NOT l.pending`,
    );
    assert.deepEqual(
      rows.map((row) => parseLfdi(row.lfdi)),
      [lfdi(202)],
    );
  });

  test('renewals leave one certificate in force and nothing else behind', async () => {
    let last = await device(10);
    for (let n = 0; n < 60; n++) last = await renew(last, 1000 + n);
    for (const each of await both()) {
      assert.equal(each.byLfdi(last.lfdi)?.id, last.id);
      for (let n = 0; n < 59; n++) {
        assert.equal(each.byLfdi(lfdi(1000 + n)), undefined);
        // Nothing of it is kept in memory: that its certificate is an operational one is enough to refuse it.
        assert.equal(each.standingOf(lfdi(1000 + n)), 'unknown');
      }
    }
  });

  test('a retired certificate without an end is refused as long as there is memory of it', async () => {
    const known = await registry.register({ meterId: 'M11', lfdi: lfdi(11), at: at(0) });
    await registry.register({ meterId: 'M11', lfdi: lfdi(111), at: at(1) });
    for (const each of await both()) {
      assert.equal(each.standingOf(lfdi(11)), 'retired');
      assert.ok(each.isBarred(lfdi(11)));
      assert.equal(each.byLfdi(lfdi(111))?.id, known.id);
    }
  });
});
