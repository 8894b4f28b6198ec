import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testLfdi } from '../../server/test-server.ts';
import { TestOperator } from './test-operator.ts';

test('an operator switches the record of exchanges on for a device, sees how far it is, and ends it', async () => {
  await using operator = await TestOperator.start();
  const device = await operator.server.device({ meterId: 'METER_1' });
  const state = async () => (await operator.ask('GET', '/exchanges/recording')).json;
  assert.deepEqual(await state(), { state: 'off' });
  const none = await operator.ask('GET', '/exchanges');
  assert.deepEqual([none.status, none.json.code], [404, 'GTX-OPR-001']);
  for (const [body, place] of [
    [{}, 'The document'],
    [{ maxBytes: 1 }, '/maxBytes'],
    [{ maxBytes: 5000, devices: ['NOBODY'] }, '/devices/0'],
  ] as const) {
    const { status, json } = await operator.ask('PUT', '/exchanges/recording', body);
    assert.deepEqual([status, json.code, json.detail.startsWith(place)], [422, 'GTX-OPR-002', true], json.detail);
  }
  const on = { state: 'on', devices: ['METER_1'], maxBytes: 5000, bytes: 0, exchanges: 0 };
  const put = await operator.ask('PUT', '/exchanges/recording', { devices: ['METER_1'], maxBytes: 5000 });
  assert.deepEqual([put.status, put.json], [200, on]);
  assert.ok(operator.exchanges.wants(device.lfdi));
  assert.ok(!operator.exchanges.wants(testLfdi(77)));
  assert.deepEqual(await state(), on);
  assert.equal((await operator.ask('DELETE', '/exchanges/recording')).status, 204);
  assert.deepEqual(await state(), { state: 'off' });
  const record = await fetch(`http://127.0.0.1:${operator.port}/api/v1/exchanges`, {
    headers: { authorization: `Bearer ${operator.key}` },
  });
  assert.match(String(record.headers.get('content-type')), /^application\/x-ndjson/);
  assert.equal(await record.text(), '');
  await operator.ask('PUT', '/exchanges/recording', { maxBytes: 5000 });
  assert.ok(operator.exchanges.wants(testLfdi(77)));
});
