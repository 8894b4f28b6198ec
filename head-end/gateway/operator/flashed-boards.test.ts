import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { KeyRole } from '#hal/key-store.ts';
import { UnixSeconds } from '#hal/units.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';
import { FlashList } from '../../enrolment/flash-list.ts';
import { TestOperator } from './test-operator.ts';

const hash = (n: number): string => n.toString(16).padStart(64, '0');
const library = 'AMI_METER_STANFORD_LIBRARY_001';
const stadium = 'AMI_METER_STANFORD_STADIUM_001';

suite('the list of flashed boards', { concurrency: false }, () => {
  let operator: TestOperator;
  let list: FlashList;
  const at = UnixSeconds(1_800_000_000);
  const given = (n: number) => ({
    chain: `chain ${n}`,
    lfdi: parseLfdi(n.toString(16).padStart(40, '0')),
    attestationKey: Uint8Array.of(n),
    at,
  });
  const boards: readonly (readonly [serial: string, building: string])[] = [
    ['GTX/1', library],
    ['GTX-2', stadium],
    ['GTX-3', stadium],
  ];
  const enrol = (
    n: number,
    role: KeyRole,
    give = () => Promise.resolve(given(n)),
    [serial, building] = boards[n - 1]!,
  ) => list.enrol({ endorsementHash: hash(n), serial, building, role }, give);
  const allow = (n: number, serial: string, building: string) =>
    operator.ask('POST', '/flashed-boards', { endorsementHash: hash(n), serial, building });

  before(async () => {
    operator = await TestOperator.start();
    list = new FlashList(operator.server.database.pool);
  });
  after(() => operator[Symbol.asyncDispose]());

  test('a board is put on it, once or twice alike, and found by its serial number', async () => {
    for (let i = 0; i < 2; i++) {
      const { status, json } = await allow(1, 'GTX/1', library);
      assert.equal(status, 201);
      const { endorsementHash, serial, building, enrolments } = json;
      assert.deepEqual([endorsementHash, serial, building, enrolments], [hash(1), 'GTX/1', library, []]);
    }
    const { json } = await operator.ask('GET', '/flashed-boards');
    assert.equal((json['items'] as unknown as object[]).length, 1);
    assert.equal((await operator.ask('GET', '/flashed-boards/GTX%2F1')).json['building'], library);
    assert.equal((await operator.ask('GET', '/flashed-boards/GTX-2')).status, 404);
  });

  test('a TPM is on one board, and a serial number has one TPM', async () => {
    for (const answer of [await allow(1, 'GTX-2', library), await allow(2, 'GTX/1', library)]) {
      assert.deepEqual([answer.status, answer.json['code']], [409, 'GTX-ENR-020']);
    }
    assert.equal((await allow(2, 'GTX-2', stadium)).status, 201);
    const { status, json } = await operator.ask('POST', '/flashed-boards', {
      endorsementHash: 'x',
      serial: 's',
      building: 'b',
    });
    assert.deepEqual([status, json['code']], [422, 'GTX-OPR-002']);
  });

  test('one that is not enrolled may be flashed for another building, one that is enrolled is released first', async () => {
    assert.equal((await allow(1, 'GTX/1', stadium)).json['building'], stadium);
    await enrol(1, 'operational', undefined, ['GTX/1', stadium]);
    const refused = await allow(1, 'GTX/1', library);
    assert.deepEqual([refused.status, refused.json['code']], [409, 'GTX-ENR-021']);
    assert.equal((await operator.ask('DELETE', '/flashed-boards/GTX%2F1')).json['code'], 'GTX-ENR-022');
    const released = await operator.ask('POST', '/flashed-boards/GTX%2F1/release');
    assert.deepEqual([released.status, released.json['enrolments']], [200, []]);
    assert.equal((await allow(1, 'GTX/1', library)).status, 201);
    assert.equal((await operator.ask('DELETE', '/flashed-boards/GTX%2F1')).status, 204);
    assert.equal((await operator.ask('GET', '/flashed-boards/GTX%2F1')).status, 404);
    assert.equal((await operator.ask('POST', '/flashed-boards/GTX%2F1/release')).status, 404);
  });

  test('of enrolments at the same time one is given something, and it is on the list after a restart', async () => {
    let made = 0;
    const give = () => Promise.resolve(given(++made));
    const fates = await Promise.allSettled([1, 2, 3, 4].map(() => enrol(2, 'birth', give)));
    assert.deepEqual(
      fates.map((fate) => (fate.status === 'fulfilled' ? 'given' : (fate.reason as { code: string }).code)),
      ['given', 'GTX-ENR-003', 'GTX-ENR-003', 'GTX-ENR-003'],
    );
    assert.equal(made, 1);
    await enrol(2, 'operational', give);
    assert.deepEqual((await new FlashList(operator.server.database.pool).find(hash(2)))?.enrolled, [
      'birth',
      'operational',
    ]);
  });

  test('a building has one board: another is neither allowed nor enrolled before that one is released', async () => {
    const refused = await allow(3, 'GTX-3', stadium);
    assert.deepEqual([refused.status, refused.json['code']], [409, 'GTX-ENR-023']);
    assert.match(JSON.stringify(refused.json), /release GTX-2/);
    await list.release('GTX-2', at);
    assert.equal((await allow(3, 'GTX-3', stadium)).status, 201);
    const fates = await Promise.allSettled([2, 3].map((n) => enrol(n, 'operational')));
    const [won, lost] = fates.toSorted((a, b) => a.status.localeCompare(b.status));
    assert.deepEqual([won?.status, lost?.status], ['fulfilled', 'rejected']);
    assert.equal(((lost as PromiseRejectedResult).reason as { code: string }).code, 'GTX-ENR-023');
    assert.equal((await list.all()).flatMap(({ enrolments }) => enrolments).length, 1);
    for (const serial of ['GTX-2', 'GTX-3']) await list.release(serial, at);
  });

  test('a board whose entry was changed while it proved what it is gets nothing', async () => {
    const claims = [
      [hash(3), 'GTX-3', library],
      [hash(3), 'GTX-4', stadium],
      [hash(4), 'GTX-3', stadium],
    ] as const;
    for (const [endorsementHash, serial, building] of claims) {
      const give = () => assert.fail('it was given something');
      const refused = list.enrol({ endorsementHash, serial, building, role: 'birth' }, give);
      await assert.rejects(refused, { code: 'GTX-ENR-002' });
    }
  });

  test('what fails to be given is not written down', async () => {
    await list.release('GTX-2', at);
    const failing = enrol(2, 'birth', () => Promise.reject(new TypeError('no key')));
    await assert.rejects(failing, { message: /no key/ });
    assert.deepEqual((await list.find(hash(2)))?.enrolled, []);
  });
});
