import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { activeAt } from '#ieee2030_5/events/schedule.ts';
import type { Pin } from '#ieee2030_5/identity.ts';
import { control, list, mrid, startBench } from './test-utility.ts';
import type { UtilityClient } from './utility-client.ts';

/** The export limit that holds now, W. */
function exportLimit(client: UtilityClient): number | undefined {
  const schedule = client.schedule();
  return schedule && activeAt(schedule, client.serverNow()).opModExpLimW?.value.value;
}
const limit = (watts: number): string =>
  `<aus:opModExpLimW xmlns:aus="https://csipaus.org/ns/v1.3"><multiplier>0</multiplier><value>${watts}</value></aus:opModExpLimW>`;

test('the walk follows links from the DeviceCapability to the last control, each resource once', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { pin: 111_115 });
  utility.setControls([control({ mRID: 7, from: 100, seconds: 60, base: limit(500) })]);
  const made = await client({ devices: [{ lfdi: board.lfdi, pin: 111_115 as Pin }] });
  await runTo(0);
  assert.deepEqual(utility.asked, [
    'GET /dcap',
    'GET /tm',
    'GET /mup',
    'GET /edev',
    'GET /edev/1/rg',
    'GET /edev/1/der',
    'GET /edev/1/fsa',
    'GET /derp',
    'GET /derp/1/dderc',
    'GET /derp/1/derc',
    'POST /rsp',
  ]);
  assert.equal(made.registration(), 'registered');
  assert.equal(made.view()?.derPrograms[0]?.controls.length, 1);
  assert.equal(exportLimit(made), 1500);
});

test('each event is answered received, started and completed, in server time', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { ahead: 1000 });
  utility.setControls([control({ mRID: 7, from: 1100, seconds: 60, base: limit(500) })]);
  const made = await client();
  await runTo(99);
  assert.deepEqual([made.timeOffset, exportLimit(made), utility.responses()], [1000, 1500, ['1 of 7']]);
  await runTo(100);
  assert.deepEqual([exportLimit(made), utility.responses()], [500, ['1 of 7', '2 of 7']]);
  await runTo(160);
  assert.deepEqual([exportLimit(made), utility.responses()], [1500, ['1 of 7', '2 of 7', '3 of 7']]);
  assert.match(utility.received[0]?.body ?? '', /DERControlResponse.*<createdDateTime>1800001000</s);
});

test('resources are polled at their own pollRate, those without one with what links to them', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { pollRate: 120 });
  await client();
  await runTo(1201);
  for (const path of ['/dcap', '/edev', '/edev/1/fsa', '/edev/1/der', '/derp', '/derp/1/derc', '/derp/1/dderc']) {
    assert.equal(utility.count(`GET ${path}`), 11, path);
  }
  assert.equal(utility.count('GET /tm'), 1);
});

test('a board that starts without its server follows the events and defaults that it knew', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { ahead: 5 });
  utility.setControls([control({ mRID: 7, from: 100, seconds: 60, base: limit(500) })]);
  const first = await client();
  await runTo(30);
  await first[Symbol.asyncDispose]();
  utility.isDown = true;
  const second = await client();
  assert.deepEqual([exportLimit(second), second.timeOffset, second.registration()], [1500, 5, 'registered']);
  await runTo(96);
  assert.equal(exportLimit(second), 500);
  await runTo(160);
  assert.equal(exportLimit(second), 1500);
  assert.deepEqual([utility.responses(), second.waitingResponses], [['1 of 7'], 2]);
  utility.isDown = false;
  await runTo(1200);
  assert.deepEqual([utility.responses(), second.waitingResponses], [['1 of 7', '2 of 7', '3 of 7'], 0]);
});

test('a server at another address than before is read from its DeviceCapability on', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls([control({ mRID: 7, from: 100, seconds: 60 })]);
  const before = await client();
  await runTo(1);
  await before[Symbol.asyncDispose]();
  utility.documents.set('/moved', utility.text('/dcap'));
  utility.documents.set('/dcap', 404);
  const made = await client({ serverUrl: `${utility.origin}/moved` });
  const found = made.resources();
  assert.equal((await found).mirrorUsagePoints, `${utility.origin}/mup`);
  await runTo(2);
  assert.equal(exportLimit(made), 1500);
  assert.equal(utility.count('GET /moved'), 1);
});

test('a wrong PIN ends all talk with the server, after one LogEvent', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { pin: 333_338 });
  const made = await client({ devices: [{ lfdi: board.lfdi, pin: 111_115 as Pin }] });
  await runTo(5000);
  assert.deepEqual(utility.asked.slice(3), ['GET /edev', 'GET /edev/1/rg', 'POST /edev/1/lel']);
  assert.deepEqual([made.registration(), made.view(), made.lastError?.code], ['wrong pin', undefined, 'GTX-SEP-008']);
  await assert.rejects(made.resources(), { code: 'GTX-SEP-008' });
});

test('a device that the server does not know waits out of band, and registers itself in band', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const known = utility.documents.get('/edev')!;
  utility.setEndDevices('pollRate="60"', []);
  const waiting = await client();
  await runTo(100);
  assert.deepEqual([waiting.registration(), utility.count('POST /edev')], ['absent', 0]);
  await waiting[Symbol.asyncDispose]();
  const made = await client({ registration: 'in band' });
  utility.answers.set('POST /edev', 403);
  await runTo(101);
  assert.deepEqual([made.registration(), utility.count('POST /edev')], ['absent', 1]);
  utility.answers.delete('POST /edev');
  const before = utility.answer.bind(utility);
  utility.answer = (method, url, body) => {
    if (method === 'POST' && url === '/edev') utility.documents.set('/edev', known);
    return before(method, url, body);
  };
  await runTo(200);
  assert.deepEqual([made.registration(), utility.count('POST /edev')], ['registered', 2]);
  assert.match(utility.received.at(-1)?.body ?? '', new RegExp(`<lFDI>${board.lfdi}</lFDI>`, 'i'));
});

test('an EndDevice that is taken away takes its programs with it, and comes back', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  await runTo(1);
  const known = utility.documents.get('/edev')!;
  utility.setEndDevices('pollRate="60"', []);
  await runTo(61);
  assert.deepEqual([made.registration(), made.view(), exportLimit(made)], ['absent', undefined, undefined]);
  utility.documents.set('/edev', known);
  await runTo(121);
  assert.deepEqual([made.registration(), exportLimit(made)], ['registered', 1500]);
});

test('an aggregator has a view, a schedule and responses of its own for each of its devices', async (t) => {
  const { utility, client, runTo, identity } = await startBench(t);
  const [a, b] = [(await identity('a')).lfdi, (await identity('b')).lfdi];
  utility.fill(a);
  const one = utility.text('/edev').match(/<EndDevice .*<\/EndDevice>/s)?.[0] ?? '';
  utility.setEndDevices('pollRate="60"', [one, one.replaceAll('/edev/1', '/edev/2').replace(a, b)]);
  utility.documents.set('/edev/2/der', list('DERList', '', []));
  utility.documents.set('/edev/2/fsa', utility.text('/edev/1/fsa').replace('href="/derp"', 'href="/derp2"'));
  utility.documents.set(
    '/derp2',
    list('DERProgramList', 'pollRate="60"', [utility.program(1, 0), utility.program(2, 5)]),
  );
  utility.setControls([control({ mRID: 7, from: 100, seconds: 60 })]);
  utility.setControls([], 2);
  utility.documents.set('/derp/2/dderc', 404);
  const made = await client({ devices: [{ lfdi: a }, { lfdi: b }] });
  await runTo(1);
  assert.deepEqual([made.view(a)?.derPrograms.length, made.view(b)?.derPrograms.length], [1, 2]);
  assert.deepEqual(utility.responses(), ['1 of 7', '1 of 7']);
  const responders = utility.received.map(({ body }) => /<endDeviceLFDI>([^<]+)/.exec(body)?.[1]?.toUpperCase());
  assert.deepEqual(responders, [a, b]);
  const own = [await made.resources(a), await made.resources(b)].map(
    ({ self }) => new URL(self.href ?? '', utility.origin),
  );
  assert.deepEqual(
    own.map(({ pathname }) => pathname),
    ['/edev/1', '/edev/2'],
  );
});

test('a list of many pages is read whole, and is known after a restart', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const controls = Array.from({ length: 8 }, (_, n) => control({ mRID: n + 1, from: 500 + n * 100, seconds: 50 }));
  const whole = utility.answer.bind(utility);
  utility.answer = (method, url, body) => {
    if (!url.startsWith('/derp/1/derc')) return whole(method, url, body);
    const from = Number(/s=(\d+)/.exec(url)?.[1] ?? 0);
    const page = controls.slice(from, from + 3);
    const document = list('DERControlList', '', page).replace('all="' + page.length + '"', 'all="8"');
    return { status: 200, body: document };
  };
  const first = await client();
  await runTo(1);
  const mRIDs = (made: UtilityClient) => made.view()?.derPrograms[0]?.controls.map(({ mRID }) => mRID.at(-1));
  assert.deepEqual(mRIDs(first), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(utility.responses().length, 8);
  await first[Symbol.asyncDispose]();
  utility.isDown = true;
  const second = await client();
  assert.deepEqual(mRIDs(second), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a response that the server will never take does not keep the others waiting; one that it may take does', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls([control({ mRID: 7, from: 10, seconds: 10 })]);
  utility.answers.set('POST /rsp', 400);
  const made = await client();
  await runTo(0);
  assert.equal(made.waitingResponses, 0);
  utility.answers.set('POST /rsp', 503);
  await runTo(100);
  assert.equal(made.waitingResponses, 2);
  assert.ok(utility.responses().every((response) => response !== '3 of 7'));
  utility.answers.delete('POST /rsp');
  await runTo(200);
  assert.equal(made.waitingResponses, 0);
  assert.deepEqual(utility.responses().slice(-2), ['2 of 7', '3 of 7']);
});

test('an event that its owner opts out of is answered so, and sets nothing any more', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls([control({ mRID: 7, from: 10, seconds: 50, base: limit(500) })]);
  const made = await client();
  await runTo(20);
  assert.equal(exportLimit(made), 500);
  made.participate({ optedOut: new Set([mrid(7).toLowerCase()]), rejected: new Map() });
  await runTo(21);
  assert.equal(exportLimit(made), 1500);
  await runTo(70);
  assert.deepEqual(utility.responses(), ['1 of 7', '2 of 7', '4 of 7', '8 of 7']);
});

test('messages and load controls are read, and answered by their own kinds of responses', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const links = '<DemandResponseProgramListLink href="/dr"/><MessagingProgramListLink href="/msg"/><mRID>';
  utility.documents.set('/edev/1/fsa', utility.text('/edev/1/fsa').replace('<mRID>', links));
  const program = (name: string, link: string, extra = '') =>
    list(`${name}List`, '', [`<${name}><mRID>${mrid(50)}</mRID>${link}${extra}<primacy>1</primacy></${name}>`]);
  utility.documents.set('/dr', program('DemandResponseProgram', '<EndDeviceControlListLink href="/edc"/>'));
  utility.documents.set(
    '/msg',
    program('MessagingProgram', '<TextMessageListLink href="/txt"/>', '<locale>en-US</locale>'),
  );
  const event = (name: string, id: number, extra: string) =>
    control({ mRID: id, from: 5, seconds: 10 })
      .replaceAll('DERControl ', `${name} `)
      .replace(/<DERControlBase>.*<\/DERControl>/s, `${extra}</${name}>`);
  const load =
    '<deviceCategory>00000001</deviceCategory><drProgramMandatory>true</drProgramMandatory><loadShiftForward>false</loadShiftForward>';
  utility.documents.set('/edc', list('EndDeviceControlList', '', [event('EndDeviceControl', 8, load)]));
  const text = '<priority>1</priority><textMessage>Hello</textMessage>';
  utility.documents.set('/txt', list('TextMessageList', '', [event('TextMessage', 9, text)]));
  const made = await client();
  await runTo(20);
  assert.equal(made.view()?.messaging[0]?.messages[0]?.textMessage, 'Hello');
  assert.equal(made.view()?.demandResponse[0]?.controls.length, 1);
  const kinds = utility.received.map(({ body }) => /<(\w+Response)/.exec(body)?.[1]);
  assert.deepEqual(new Set(kinds), new Set(['DrResponse', 'TextResponse']));
  assert.equal(utility.responses().length, 6);
});

test('what cannot be read of an earlier run is asked anew, and its events are not taken for vanished', async (t) => {
  const { utility, client, runTo, board, path } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls([control({ mRID: 7, from: 500, seconds: 50 })]);
  const assignments = utility.text('/edev/1/fsa');
  const first = await client();
  await runTo(1);
  await first[Symbol.asyncDispose]();
  const database = new DatabaseSync(path);
  database.exec("UPDATE client_resources SET pages = x'3c' WHERE name = 'DERProgramList'");
  database.close();
  utility.documents.set('/edev/1/fsa', 500);
  const second = await client();
  assert.equal(second.view(), undefined);
  await runTo(2);
  assert.deepEqual([second.view()?.derPrograms, utility.responses()], [[], ['1 of 7']]);
  utility.documents.set('/edev/1/fsa', assignments);
  await runTo(100);
  assert.equal(second.view()?.derPrograms.length, 1);
  assert.deepEqual(utility.responses(), ['1 of 7']);
});

test('somebody who finds the server back spares the client the rest of its pause', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { pollRate: 900 });
  utility.isDown = true;
  const made = await client();
  await runTo(400);
  utility.isDown = false;
  made.reached();
  await runTo(402);
  assert.equal(made.registration(), 'registered');
  const asked = utility.count('GET /derp');
  made.rediscover();
  await runTo(404);
  assert.equal(utility.count('GET /derp'), asked + 1);
  assert.equal(made.mirrorUsagePoints().length, 0);
});

test('a program whose lists move and are not found at once keeps its events', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls([control({ mRID: 7, from: 500, seconds: 50 })]);
  const made = await client();
  await runTo(1);
  utility.documents.set('/derp', utility.text('/derp').replace('/derp/1/derc', '/moved/derc'));
  utility.documents.set('/moved/derc', 500);
  await runTo(100);
  utility.documents.set('/edev/1/fsa', utility.text('/edev/1/fsa').replace('"/derp"', '"/moved"'));
  utility.documents.set('/moved', 500);
  await runTo(200);
  assert.equal(made.view()?.derPrograms[0]?.controls.length, 1);
  utility.documents.set('/moved', utility.text('/derp'));
  utility.documents.set('/moved/derc', utility.text('/derp/1/derc'));
  await runTo(600);
  assert.deepEqual(utility.responses(), ['1 of 7', '2 of 7', '3 of 7']);
});
