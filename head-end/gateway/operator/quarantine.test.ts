import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { GATE_LEAD_SECONDS } from '#ieee2030_5/ext/windows.ts';
import { testLfdi } from '../../server/test-server.ts';
import { TestOperator } from './test-operator.ts';

suite('quarantine and replacement of a device', { concurrency: false }, () => {
  let operator: TestOperator;
  before(async () => {
    operator = await TestOperator.start();
  });
  after(() => operator[Symbol.asyncDispose]());

  const building = { building: 'academic', zone: 'campus', ratedW: 10_000, storageWh: 0 };

  test('a device in quarantine has no orders, is refused everything, and a release undoes it', async () => {
    const { server } = operator;
    const device = await server.device({ meterId: 'Q1', ...building });
    const window = Math.ceil((server.clock.now() + GATE_LEAD_SECONDS + 1) / 300) * 300;
    await server.desk.request('Q1', { mRID: '00'.repeat(16), energyWh: 1000, window });
    assert.equal(server.desk.openOrdersOf('Q1').length, 1);

    const put = await operator.ask('PUT', '/devices/Q1/quarantine', { reason: 'forged' });
    assert.equal(put.status, 200);
    assert.deepEqual(put.json['quarantine'], { since: server.clock.now(), reason: 'forged' });
    assert.deepEqual(server.desk.openOrdersOf('Q1'), []);
    assert.equal(server.registry.byLfdi(device.lfdi), undefined);
    // Not even discovery, though in-band registration is open to strangers.
    await server.sep.settings.change({ inBandRegistration: true });
    assert.equal((await server.get(device.lfdi, '/dcap')).status, 403);
    await server.sep.settings.change({ inBandRegistration: false });

    assert.equal((await operator.ask('PUT', '/devices/Q1/quarantine', { reason: 'again' })).status, 200);
    assert.equal((await operator.ask('DELETE', '/devices/Q1/quarantine')).status, 204);
    assert.equal((await operator.ask('GET', '/devices/Q1')).json['quarantine'], undefined);
    assert.equal((await server.get(device, '/dcap')).status, 200);
  });

  test('what is not there, or says no reason, is refused', async () => {
    assert.equal((await operator.ask('PUT', '/devices/nobody/quarantine', { reason: 'x' })).status, 404);
    await operator.server.device({ meterId: 'Q2' });
    assert.equal((await operator.ask('PUT', '/devices/Q2/quarantine', { reason: '' })).status, 422);
    assert.equal((await operator.ask('DELETE', '/devices/nobody/quarantine')).status, 404);
  });

  test('a replaced board has another certificate for the same device, and the old one is retired', async () => {
    const { server } = operator;
    const device = await server.device({ meterId: 'R1', ...building });
    const next = testLfdi(77_001);
    const body = { lfdi: next, registers: 'anew', reason: 'board burnt' };
    assert.equal((await operator.ask('POST', '/devices/R1/replacement', body)).status, 200);
    assert.equal(server.registry.byLfdi(next)?.id, device.id);
    assert.equal(server.registry.standingOf(device.lfdi), 'retired');
    const { items } = (await operator.ask('GET', '/devices/R1/identities')).json;
    assert.deepEqual(
      items.map((one) => [one['lfdi'], one['state']]),
      [
        [next, 'in-force'],
        [device.lfdi, 'retired'],
      ],
    );
    const other = await server.device({ meterId: 'R2' });
    const taken = await operator.ask('POST', '/devices/R1/replacement', { ...body, lfdi: other.lfdi });
    assert.equal(taken.status, 409);
  });
});
