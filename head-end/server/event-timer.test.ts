import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { EventCurrentStatus } from '#ieee2030_5/enumerations.ts';
import type { DERControl } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../registry/devices.ts';
import { sampleOf } from './sample-documents.ts';
import { TestServer } from './test-server.ts';

suite('events at the clock', { concurrency: false }, () => {
  let server: TestServer;
  let device: Device;
  before(async () => {
    server = await TestServer.start();
    device = await server.device();
  });
  after(() => server[Symbol.asyncDispose]());

  const addControl = async (program: string, key: string, startIn: number, createdIn = 0): Promise<string> => {
    const now = server.clock.now();
    const document: DERControl = {
      ...sampleOf('DERControl', key),
      creationTime: BigInt(now + createdIn),
      interval: { start: BigInt(now + startIn), duration: 600 },
    };
    return (await server.sep.store.add(`${program}/derc`, 'DERControl', document)).href;
  };
  const statusOf = async (href: string): Promise<number> =>
    (await server.document(device, href, 'DERControl')).EventStatus.currentStatus;

  test('an event that was superseded stays so when the other is removed, and after a restart', async () => {
    const program = await server.program([device]);
    const old = await addControl(program, 'old', 100);
    const newer = await addControl(program, 'newer', 200, 1);
    await server.pass(200);
    assert.equal(await statusOf(old), EventCurrentStatus.superseded);
    await server.sep.store.remove(newer);
    assert.equal(await statusOf(old), EventCurrentStatus.superseded);
    await server.restart();
    assert.equal(await statusOf(old), EventCurrentStatus.superseded);
  });

  test('one that is superseded by an event that starts at once is kept so within a second', async () => {
    const program = await server.program([device]);
    const old = await addControl(program, 'old', 0);
    await server.pass(10);
    const sudden = await addControl(program, 'sudden', 0);
    assert.equal(await statusOf(old), EventCurrentStatus.superseded);
    await server.pass(1);
    await server.sep.store.remove(sudden);
    assert.equal(await statusOf(old), EventCurrentStatus.superseded);
  });

  test('an event that is over stands in no list, may be read for a day, and is then gone', async () => {
    const program = await server.program([device]);
    const event = await addControl(program, 'event', 0);
    await server.pass(600);
    assert.equal((await server.document(device, `${program}/derc?l=9`, 'DERControlList')).all, 0);
    assert.equal((await server.get(device, event)).status, 200);
    await server.pass(86_400 - 1);
    assert.equal((await server.get(device, event)).status, 200);
    await server.pass(1);
    assert.equal((await server.get(device, event)).status, 404);
    await server.restart();
    assert.equal(server.sep.store.get(event), undefined);
  });
});
