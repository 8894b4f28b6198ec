import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { GridError, type GridErrorCode } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { machineTime, replaceWallTime, wallMs } from '#hal/wall.ts';
import { lfdiOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import type { Profile } from '#provisioning/validity.ts';
import type { BoardIdentity } from '../board.ts';
import { lostIdentity } from '../client/tls-link.ts';
import { CertificateWatch, type WatchedBoard } from './certificate-watch.ts';

const dayMs = 86_400_000;

/** A watched board with an identity of a profile, issued now; time of the wall stands still until it is moved. */
async function ground(t: TestContext, profile: Profile = 'operational') {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = await CertificateAuthority.create(folder);
  const publicKey = createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const issue = async (): Promise<DeviceIdentity> => {
    const order = { serial: 'B', publicKey, keyIn: 'file' as const, profile };
    const { der, chainPem } = await authority.issueDevice(order);
    const lfdi = lfdiOf(der);
    return { certificatePem: chainPem, keyPem: '', caPem: '', lfdi, sfdi: sfdiOf(lfdi) };
  };
  const began = wallMs();
  let daysLater = 0;
  const wall = replaceWallTime({ ...machineTime, unixMs: () => began + daysLater * dayMs });
  t.after(() => wall[Symbol.dispose]());
  const store = {
    identity: await issue(),
    /** Origins that were asked. */
    asked: [] as string[],
    renews: async (): Promise<void> => undefined,
    load: async () => store.identity,
    renew: async (origin: string) => {
      store.asked.push(origin);
      await store.renews();
    },
  };
  const board = {
    meterId: 'B',
    identity: store.identity,
    takeIdentity: async (change: () => Promise<DeviceIdentity>) => {
      board.identity = await change();
    },
    connection: { origin: 'https://head-end' },
    utility: { hasExtension: true } as WatchedBoard['utility'],
  };
  const clock = new VirtualClock(UnixSeconds(0));
  const watch = new CertificateWatch({ board, store, clock, log: createLog('test', 'silent') });
  watch.start();
  t.after(() => watch[Symbol.dispose]());
  let minutes = 0;
  /** Goes so many days after the beginning, and asks a few times. */
  const atDay = async (days: number): Promise<void> => {
    daysLater = days;
    minutes += 5;
    await clock.runUntil({ time: minutes * 60, phase: 9 });
  };
  return { store, board, issue, atDay };
}

test('a certificate is renewed from 30 days left on, and the board takes the new one', async (t) => {
  const { store, board, issue, atDay } = await ground(t);
  const old = store.identity;
  store.renews = async () => {
    store.identity = await issue();
  };
  for (const day of [0, 1, 59]) await atDay(day);
  assert.deepEqual([store.asked, board.identity], [[], old]);
  await atDay(60.5);
  assert.deepEqual(store.asked, ['https://head-end']);
  assert.equal(board.identity, store.identity);
  assert.notEqual(board.identity, old);
  for (const day of [61, 62, 80]) await atDay(day);
  assert.equal(store.asked.length, 1);
});

test('a renewal that fails is tried again once a day, and the old certificate goes on', async (t) => {
  const { store, board, atDay } = await ground(t);
  const old = store.identity;
  store.renews = () => Promise.reject(new GridError('GTX-RNW-001', 'not reached'));
  for (const day of [61, 61.5, 62.1, 62.2, 63.2]) await atDay(day);
  assert.equal(store.asked.length, 3);
  assert.equal(board.identity, old);
});

test('a clock that was years ahead at the start does not put off what is due', async (t) => {
  const { store, atDay } = await ground(t);
  await atDay(3650);
  await atDay(61);
  assert.equal(store.asked.length, 2);
});

test('a utility that is not ours, or not known to be, is asked for no renewal', async (t) => {
  const { store, board, atDay } = await ground(t);
  for (const hasExtension of [false, undefined]) {
    board.utility = { hasExtension };
    for (const day of [61, 89]) await atDay(day);
    assert.deepEqual(store.asked, []);
  }
});

test('a certificate without an end is never renewed', async (t) => {
  const { store, atDay } = await ground(t, 'birth');
  for (const day of [61, 10_000]) await atDay(day);
  assert.deepEqual(store.asked, []);
});

test('what lies on the disk and cannot be read leaves the old certificate in use', async (t) => {
  const { store, board, atDay } = await ground(t);
  const old = store.identity;
  store.load = () => Promise.reject(new GridError('GTX-PRV-011', 'cannot be used'));
  await atDay(61);
  assert.deepEqual([store.asked.length, board.identity], [1, old]);
});

test('an identity that is lost is looked for each minute until it is there, and its newest fault is told', async (t) => {
  const { store, board, atDay } = await ground(t);
  const found = store.identity;
  const faults = ['GTX-PRV-011', 'GTX-TPM-002'].map((code) => new GridError(code as GridErrorCode, 'still lost'));
  board.identity = { ...found, ...lostIdentity(new GridError('GTX-PRV-010', 'lost')) };
  const told: unknown[] = [];
  let asked = 0;
  store.load = () => {
    told.push((board.identity as BoardIdentity).fault?.code);
    const fault = faults[asked++];
    return fault === undefined ? Promise.resolve(found) : Promise.reject(fault);
  };
  await atDay(0);
  assert.deepEqual(told, ['GTX-PRV-010', 'GTX-PRV-011', 'GTX-TPM-002']);
  assert.equal(board.identity, found);
});
