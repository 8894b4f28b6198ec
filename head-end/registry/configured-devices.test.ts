import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Lfdi, parseLfdi } from '#ieee2030_5/identity.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { registerConfigured } from './configured-devices.ts';
import { type Device, Registry } from './devices.ts';

const lfdi = (n: number): Lfdi => parseLfdi(n.toString(16).padStart(40, '0'));
const at = UnixSeconds(1000);

suite('the devices of a configuration, at a start', { concurrency: false }, () => {
  let database: Database;
  let registry: Registry;
  const warned: unknown[] = [];
  const log = Object.assign(createLog('test', 'silent'), { warn: (facts: { meterId: string }) => warned.push(facts) });
  before(async () => {
    database = await startTestDatabase();
    registry = new Registry(database);
    await registry.start();
  });
  after(() => database[Symbol.asyncDispose]());

  const restart = async (): Promise<void> => {
    registry = new Registry(database);
    await registry.start();
  };
  const configured = (n: number, by = n): Promise<Device | undefined> =>
    registerConfigured({ meterId: `M${n}`, name: 'x', lfdi: lfdi(by), at }, { registry, log });

  test('are registered, at the next start too, and by another certificate that nobody had before', async () => {
    const known = await configured(1);
    await restart();
    assert.deepEqual(await configured(1), known);
    assert.equal((await configured(1, 101))?.lfdi, lfdi(101));
    assert.deepEqual(warned, []);
  });

  test('stay removed when an operator has removed them', async () => {
    const { id } = (await configured(2))!;
    await registry.remove(id, { at, barred: true });
    await restart();
    assert.equal(await configured(2), undefined);
    assert.equal(registry.byMeterId('M2'), undefined);
    assert.equal(registry.standingOf(lfdi(2)), 'removed');
  });

  test('keep the certificate of the board that took their place, also where the old one ends by itself', async () => {
    for (const [n, ends] of [
      [3, {}],
      [4, { certificate: { number: '04', notAfter: UnixSeconds(wallSeconds() + 86_400) } }],
    ] as const) {
      await registry.register({ meterId: `M${n}`, name: 'x', lfdi: lfdi(n), at, ...ends });
      await registry.register({ meterId: `M${n}`, lfdi: lfdi(100 + n), at });
      await restart();
      assert.equal(await configured(n), undefined);
      assert.equal(registry.byMeterId(`M${n}`)?.lfdi, lfdi(100 + n));
      assert.equal(registry.byLfdi(lfdi(n)), undefined);
    }
  });

  test('stay revoked, and whoever is passed over is told to the log', async () => {
    await configured(5);
    await registry.revoke(lfdi(5), { at: wallSeconds(), reason: 'keyCompromise' });
    await restart();
    warned.length = 0;
    assert.equal(await configured(5), undefined);
    assert.equal(registry.standingOf(lfdi(5)), 'revoked');
    assert.deepEqual(warned, [{ meterId: 'M5', lfdi: lfdi(5), standing: 'revoked', now: lfdi(5) }]);
  });
});
