import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { mridOf } from '#ieee2030_5/identity.ts';
import type { DERControl } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import type { ResourceChange } from '../resource-store.ts';
import { sampleOf } from '../sample-documents.ts';
import { TestServer } from '../test-server.ts';

suite('programs and their events', { concurrency: false }, () => {
  let server: TestServer;
  let device: Device;
  before(async () => {
    server = await TestServer.start();
    device = await server.device();
  });
  after(() => server[Symbol.asyncDispose]());

  const control = (key: string, startIn: number, duration: number, more: Partial<DERControl> = {}) => ({
    ...sampleOf('DERControl', key),
    creationTime: BigInt(server.clock.now()),
    interval: { start: BigInt(server.clock.now() + startIn), duration },
    ...more,
  });
  const addControl = async (program: string, document: DERControl) =>
    (await server.sep.store.add(`${program}/derc`, 'DERControl', document)).href;
  const statusOf = async (href: string) =>
    (await server.document(device, href, 'DERControl')).EventStatus.currentStatus;
  const listed = async (path: string, who = device) => {
    const list = await server.document(who, `${path}?l=255`, 'DERControlList');
    assert.equal(list.results, list.DERControl?.length ?? 0);
    return (list.DERControl ?? []).map(({ href }) => href);
  };

  test('a device sees what is assigned to it, in the standard’s order, and follows links to it', async () => {
    const other = await server.device();
    const [low, high] = [await server.program([device], 9), await server.program([device], 2)];
    const theirs = await server.program([other], 1);
    const edev = await server.document(device, `/edev/${device.id}`, 'EndDevice');
    assert.equal(edev.FunctionSetAssignmentsListLink?.all, 2);
    const fsas = await server.document(
      device,
      `${edev.FunctionSetAssignmentsListLink?.href}?l=9`,
      'FunctionSetAssignmentsList',
    );
    const programs: string[] = [];
    for (const { DERProgramListLink, TimeLink, TariffProfileListLink } of fsas.FunctionSetAssignments ?? []) {
      assert.deepEqual([TimeLink?.href, TariffProfileListLink, DERProgramListLink?.all], ['/tm', undefined, 1]);
      const list = await server.document(device, DERProgramListLink?.href ?? '', 'DERProgramList');
      programs.push(...(list.DERProgram ?? []).map(({ href = '' }) => href));
    }
    assert.deepEqual(programs.toSorted(), [low, high].toSorted());
    const all = await server.document(device, '/derp?l=9', 'DERProgramList');
    assert.deepEqual(
      all.DERProgram?.map(({ href }) => href),
      [high, low],
    );
    assert.equal((await server.get(device, theirs)).status, 403);
    assert.equal((await server.get(device, `${theirs}/derc`)).status, 403);
    assert.equal((await server.get(device, '/derp/999')).status, 404);
    const program = all.DERProgram?.[0];
    assert.deepEqual(
      [program?.DERControlListLink, program?.ActiveDERControlListLink?.all, program?.DefaultDERControlLink],
      [{ href: `${high}/derc`, all: 0 }, 0, undefined],
    );
    await server.sep.store.put(`${high}/dderc`, 'DefaultDERControl', sampleOf('DefaultDERControl', 'd'));
    const { DefaultDERControlLink, DERControlListLink } = await server.document(device, high, 'DERProgram');
    assert.deepEqual([DefaultDERControlLink?.href, DERControlListLink?.all], [`${high}/dderc`, 0]);
  });

  test('a DERControl is scheduled, active in its time, then gone from its list; its own path stays', async () => {
    const program = await server.program([device]);
    const href = await addControl(program, control('one', 600, 300));
    assert.deepEqual([await statusOf(href), await listed(`${program}/derc`)], [0, [href]]);
    assert.deepEqual(await listed(`${program}/actderc`), []);
    const served = await server.document(device, href, 'DERControl');
    assert.deepEqual([served.replyTo, [...(served.responseRequired ?? [])]], ['/rsps/1/rsp', [3]]);
    await server.pass(600);
    assert.deepEqual([await statusOf(href), await listed(`${program}/actderc`)], [1, [href]]);
    await server.pass(300);
    assert.deepEqual([await listed(`${program}/derc`), await listed(`${program}/actderc`)], [[], []]);
    assert.equal((await server.get(device, href)).status, 200);
  });

  test('a newer control of the same program supersedes the older one from its own start on', async () => {
    const program = await server.program([device]);
    const older = await addControl(program, control('older', 600, 600));
    await server.pass(1);
    const newer = await addControl(program, control('newer', 100, 700));
    assert.deepEqual([await statusOf(older), await statusOf(newer)], [0, 0]);
    await server.pass(100);
    assert.deepEqual([await statusOf(older), await statusOf(newer)], [4, 1]);
  });

  test('a cancelled control stays in the list as cancelled until its time is over', async () => {
    const program = await server.program([device]);
    const document = control('cancelled', 60, 600);
    const href = await addControl(program, document);
    const EventStatus = { currentStatus: 2, dateTime: BigInt(server.clock.now()), potentiallySuperseded: false };
    await server.sep.store.put(href, 'DERControl', { ...document, EventStatus });
    await server.pass(100);
    assert.deepEqual([await statusOf(href), await listed(`${program}/derc`)], [2, [href]]);
    assert.deepEqual(await listed(`${program}/actderc`), []);
  });

  test('events that begin and end by themselves are told as changes of their lists', async () => {
    const program = await server.program([device]);
    await addControl(program, control('told', 100, 50));
    const changes: (ResourceChange & { readonly at: number })[] = [];
    using _ = server.sep.store.onChange((change) => changes.push({ ...change, at: server.clock.now() }));
    const now = server.clock.now();
    await server.pass(200);
    assert.deepEqual(
      changes.map(({ href, kind, at }) => [href, kind, at - now]),
      [100, 150].flatMap((at) => [
        [`${program}/derc`, 'changed', at],
        [`${program}/actderc`, 'changed', at],
      ]),
    );
  });

  test('pages go by s and l, `a` by the start of events, and all is the number of the whole list', async () => {
    const program = await server.program([device]);
    const starts = [100, 200, 300, 400, 500];
    const hrefs: string[] = [];
    for (const start of starts) hrefs.push(await addControl(program, control(`page ${start}`, start, 50)));
    const page = async (query: string) => {
      const list = await server.document(device, `${program}/derc${query}`, 'DERControlList');
      return [list.all, list.results, (list.DERControl ?? []).map(({ href = '' }) => hrefs.indexOf(href))];
    };
    assert.deepEqual(await page(''), [5, 1, [0]]);
    assert.deepEqual(await page('?s=1&l=2'), [5, 2, [1, 2]]);
    assert.deepEqual(await page('?s=4&l=9'), [5, 1, [4]]);
    assert.deepEqual(await page('?s=9&l=9'), [5, 0, []]);
    assert.deepEqual(await page('?l=0'), [5, 0, []]);
    assert.deepEqual(await page(`?a=${server.clock.now() + 300}&l=9`), [2, 2, [3, 4]]);
    assert.equal((await server.get(device, `${program}/derc?l=x`)).status, 400);
    await server.sep.store.remove(hrefs[0] ?? '');
    assert.deepEqual(await page('?l=9'), [4, 4, [1, 2, 3, 4]]);
  });

  test('a reassignment changes what a device sees at once, and its FSA list is told', async () => {
    const mine = await server.device();
    const [old, next] = [await server.program([mine], 1), await server.program([], 2)];
    const [id = ''] = server.sep.records.all('assignment').find(([, { devices }]) => devices.includes(mine.id)) ?? [];
    const changed: string[] = [];
    using _ = server.sep.store.onChange(({ href }) => changed.push(href));
    const assignment = server.sep.records.get('assignment', id);
    assert.ok(assignment);
    await server.sep.records.put('assignment', id, { ...assignment, programs: [next.slice('/derp/'.length)] });
    assert.equal((await server.get(mine, old)).status, 403);
    assert.equal((await server.get(mine, next)).status, 200);
    assert.ok(changed.includes(`/edev/${mine.id}/fsa/${id}`) && changed.includes(`/edev/${mine.id}/fsa/${id}/derp`));
    changed.length = 0;
    await server.sep.store.put(next, 'DERProgram', { mRID: mridOf('again'), primacy: 7 });
    assert.deepEqual(changed.toSorted(), [next, `/edev/${mine.id}/fsa/${id}/derp`]);
    await server.sep.store.remove(next);
    assert.equal((await server.document(mine, `/edev/${mine.id}/fsa/${id}/derp`, 'DERProgramList')).all, 0);
  });

  test('the current program of a DER is the one that wins now', async () => {
    const mine = await server.device();
    const der = `/edev/${mine.id}/der/1`;
    const [first, second] = [await server.program([mine], 1), await server.program([mine], 2)];
    assert.equal((await server.document(mine, der, 'DER')).CurrentDERProgramLink, undefined);
    assert.equal((await server.get(mine, `${der}/cdp`)).status, 404);
    await server.sep.store.put(`${first}/dderc`, 'DefaultDERControl', sampleOf('DefaultDERControl', 'dd'));
    assert.equal((await server.document(mine, `${der}/cdp`, 'DERProgram')).href, first);
    await addControl(second, control('current', 0, 60));
    assert.equal((await server.document(mine, `${der}/cdp`, 'DERProgram')).href, second);
    assert.equal((await server.document(mine, `${der}/derp?l=9`, 'DERProgramList')).all, 2);
    assert.equal((await server.get(mine, `/edev/${mine.id}/der/2/dercap`)).status, 404);
  });

  test('prices: a tariff with its components, intervals and blocks, and all intervals in one list', async () => {
    const { store } = server.sep;
    const tariff = (await store.add('/tp', 'TariffProfile', sampleOf('TariffProfile', 'tariff'))).href;
    await server.assign([device], { tariffs: [tariff.slice('/tp/'.length)] });
    const component = (await store.add(`${tariff}/rc`, 'RateComponent', sampleOf('RateComponent', 'rc'))).href;
    const interval = { start: BigInt(server.clock.now()), duration: 600 };
    const tti = { ...sampleOf('TimeTariffInterval', 'tti'), interval };
    const { href } = await store.add(`${component}/tti`, 'TimeTariffInterval', tti);
    await store.add(`${href}/cti`, 'ConsumptionTariffInterval', sampleOf('ConsumptionTariffInterval', ''));
    const rc = await server.document(device, component, 'RateComponent');
    assert.deepEqual(
      [rc.TimeTariffIntervalListLink, rc.ReadingTypeLink.href],
      [{ href: `${component}/tti`, all: 1 }, `${component}/rt`],
    );
    assert.equal((await server.document(device, rc.ReadingTypeLink.href, 'ReadingType')).uom, 72);
    const active = await server.document(device, `${component}/acttti`, 'TimeTariffIntervalList');
    assert.deepEqual([active.all, active.TimeTariffInterval?.[0]?.EventStatus.currentStatus], [1, 1]);
    const { CombinedTimeTariffIntervalListLink } = await server.document(device, tariff, 'TariffProfile');
    const combined = await server.document(
      device,
      CombinedTimeTariffIntervalListLink?.href ?? '',
      'TimeTariffIntervalList',
    );
    const [one] = combined.TimeTariffInterval ?? [];
    assert.deepEqual([one?.RateComponentLink?.href, one?.href], [component, href]);
    assert.equal(one?.ConsumptionTariffIntervalListSummary?.ConsumptionTariffInterval?.[0]?.price, 25);
  });

  test('messages and demand response: listed, active in their time', async () => {
    const { store } = server.sep;
    const msg = (await store.add('/msg', 'MessagingProgram', sampleOf('MessagingProgram', 'msg'))).href;
    const dr = (await store.add('/dr', 'DemandResponseProgram', sampleOf('DemandResponseProgram', 'dr'))).href;
    const idOf = (href: string): string => href.slice(href.lastIndexOf('/') + 1);
    await server.assign([device], { messagingPrograms: [idOf(msg)], demandResponsePrograms: [idOf(dr)] });
    const interval = { start: BigInt(server.clock.now()), duration: 600 };
    await store.add(`${msg}/txt`, 'TextMessage', { ...sampleOf('TextMessage', 'txt'), interval });
    await store.add(`${dr}/edc`, 'EndDeviceControl', { ...sampleOf('EndDeviceControl', 'edc'), interval });
    assert.equal((await server.document(device, msg, 'MessagingProgram')).ActiveTextMessageListLink?.all, 1);
    assert.equal((await server.document(device, `${dr}/actedc`, 'EndDeviceControlList')).all, 1);
    await server.pass(600);
    assert.equal((await server.document(device, `${msg}/acttxt`, 'TextMessageList')).all, 0);
    const dcap = await server.document(device, '/dcap', 'DeviceCapability');
    assert.deepEqual([dcap.MessagingProgramListLink?.all, dcap.DemandResponseProgramListLink?.all], [1, 1]);
  });
});
