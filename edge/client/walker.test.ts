import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, list, mrid, startBench, xml } from './test-utility.ts';
import { startTestServer } from './test-server.ts';

test('a resource that did not change is neither sent nor read anew, where the server gives ETags', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const body = utility.text('/derp/1/derc');
  const inner = utility.answer.bind(utility);
  let notModified = 0;
  const answer = (method: string, url: string, sent: string, headers: Record<string, unknown> = {}) => {
    if (!url.startsWith('/derp/1/derc')) return inner(method, url, sent);
    if (headers['if-none-match'] === '"one"') {
      notModified++;
      return { status: 304 };
    }
    return { status: 200, body, headers: { etag: '"one"' } };
  };
  const origin = await startTestServer(t, utility.identity!, answer);
  utility.documents.set(
    '/dcap',
    xml('DeviceCapability', '', '<TimeLink href="/tm"/><EndDeviceListLink href="/edev"/>'),
  );
  utility.origin = origin;
  const made = await client();
  let changes = 0;
  made.onChange(() => changes++);
  await runTo(0);
  assert.equal(changes, 1);
  await runTo(300);
  assert.deepEqual([notModified > 3, changes], [true, 1]);
});

test('a resource that fails is asked for again with back-off, the others go on', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.documents.set('/edev/1/der', 500);
  const made = await client();
  await runTo(59);
  assert.equal(made.view()?.derPrograms.length, 1);
  const tries = utility.count('GET /edev/1/der');
  assert.ok(tries >= 3 && tries <= 5, `${tries}`);
  utility.documents.set('/edev/1/der', list('DERList', '', []));
  await runTo(200);
  assert.deepEqual(made.view()?.ders, []);
  utility.documents.set('/edev/1/fsa', { status: 503, headers: { 'retry-after': '500' } });
  await runTo(300);
  const asked = utility.count('GET /edev/1/fsa');
  await runTo(700);
  assert.equal(utility.count('GET /edev/1/fsa'), asked);
  assert.equal(made.view()?.derPrograms.length, 1);
});

test('a server that asks to be left alone is, also where a resource is read with its parent', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  await client();
  await runTo(1);
  utility.documents.set('/derp/1/derc', { status: 503, headers: { 'retry-after': '500' } });
  await runTo(500);
  assert.equal(utility.count('GET /derp/1/derc'), 2);
});

test('a server that is not reached is asked again with back-off, and everything goes on when it is back', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.isDown = true;
  const made = await client();
  await runTo(600);
  assert.ok(utility.asked.length >= 5 && utility.asked.length <= 12, `${utility.asked.length}`);
  assert.deepEqual([made.lastError?.code, made.registration()], ['GTX-SEP-001', 'unknown']);
  utility.isDown = false;
  await runTo(1500);
  assert.deepEqual([made.lastError, made.registration()], [undefined, 'registered']);
});

test('a resource that is gone is looked for where it was linked', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { pollRate: 600 });
  utility.documents.set('/derp', list('DERProgramList', 'pollRate="60"', [utility.program(1, 0)]));
  const made = await client();
  await runTo(1);
  const moved = utility.text('/derp');
  utility.documents.set('/derp', 404);
  utility.documents.set('/elsewhere', moved);
  const assignments = utility.text('/edev/1/fsa').replace('"/derp"', '"/elsewhere"');
  utility.documents.set('/edev/1/fsa', assignments);
  await runTo(70);
  assert.deepEqual(utility.asked.slice(utility.asked.indexOf('GET /elsewhere') - 2).slice(0, 3), [
    'GET /derp',
    'GET /edev/1/fsa',
    'GET /elsewhere',
  ]);
  assert.equal(made.view()?.derPrograms.length, 1);
});

test('a list of controls that is not found for a while cancels no event', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls([control({ mRID: 7, from: 500, seconds: 60 })]);
  await client();
  await runTo(1);
  const known = utility.documents.get('/derp/1/derc')!;
  utility.documents.set('/derp/1/derc', 404);
  await runTo(300);
  utility.documents.set('/derp/1/derc', known);
  await runTo(600);
  assert.deepEqual(utility.responses(), ['1 of 7', '2 of 7', '3 of 7']);
});

test('a registration that is refused keeps what was known, and is tried seldom', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  await runTo(1);
  for (const path of utility.documents.keys()) utility.documents.set(path, 403);
  await runTo(900);
  assert.deepEqual([made.registration(), made.view()?.derPrograms.length], ['refused', 1]);
  const asked = utility.count('GET /dcap');
  await runTo(3600);
  assert.ok(utility.count('GET /dcap') - asked <= 3);
});

test('redirects are followed within https, to another server of the same authority too, and not without end', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const elsewhere: string[] = [];
  const other = await startTestServer(t, utility.identity!, (method, url, body) => {
    elsewhere.push(url.split('?')[0] ?? '');
    return utility.answer(method, url, body);
  });
  const controls = utility.documents.get('/derp/1/derc')!;
  utility.documents.set('/edev', { status: 301, location: '/moved' });
  utility.documents.set('/moved', { status: 307, location: `${other}/all` });
  utility.fill(board.lfdi);
  const devices = utility.documents.get('/edev')!;
  utility.documents.set('/edev', { status: 301, location: '/moved' });
  utility.documents.set('/all', devices);
  utility.documents.set('/derp', { status: 302, location: '/loop' });
  utility.documents.set('/loop', { status: 308, location: '/derp' });
  const made = await client();
  await runTo(1);
  assert.equal(made.registration(), 'registered');
  assert.deepEqual(elsewhere.slice(0, 3), ['/all', '/edev/1/der', '/edev/1/fsa']);
  assert.deepEqual(made.view()?.derPrograms, []);
  assert.equal(utility.count('GET /derp') + utility.count('GET /loop'), 6);
  utility.documents.set('/derp', { status: 302, location: 'http://127.0.0.1/derp' });
  utility.documents.set('/derp/1/derc', controls);
  await runTo(100);
  assert.deepEqual(made.view()?.derPrograms, []);
});

test('a server that orders elements as it likes and leaves out what is optional is understood', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.documents.set(
    '/dcap',
    xml('DeviceCapability', '', '<EndDeviceListLink href="/edev"/><TimeLink href="/tm"/>'),
  );
  utility.setEndDevices('', [
    `<EndDevice><changedTime>0</changedTime><FunctionSetAssignmentsListLink href="edev/1/fsa"/><sFDI>1</sFDI>
      <lFDI>${board.lfdi.toLowerCase()}</lFDI></EndDevice>`,
  ]);
  utility.documents.set(
    '/derp',
    list('DERProgramList', '', [
      `<DERProgram><primacy>3</primacy><DERControlListLink href="/derp/1/derc"/><mRID>${mrid(4)}</mRID></DERProgram>`,
    ]),
  );
  const made = await client();
  await runTo(1);
  const [program] = made.view()?.derPrograms ?? [];
  assert.deepEqual([program?.program.primacy, program?.controls, program?.defaultControl], [3, [], undefined]);
  await assert.rejects(made.resources(), { code: 'GTX-SEP-004', message: /MirrorUsagePoints/ });
});

test('a document that cannot be read leaves what was known as it is', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  await runTo(1);
  for (const [i, broken] of ['<DERProgramList', '<html/>', xml('Time', '', '')].entries()) {
    utility.documents.set('/derp', broken);
    await runTo(200 * (i + 1));
    assert.equal(made.view()?.derPrograms.length, 1, broken);
  }
  assert.ok(utility.count('GET /derp') > 3);
});

test('what a walk that breaks off found changed is told, and kept for the next start, by the one after it', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  await runTo(1);
  let changes = 0;
  made.onChange(() => changes++);
  // Its program's list of controls is read after the program, and breaks the walk off.
  utility.documents.set('/derp', list('DERProgramList', 'pollRate="60"', [utility.program(1, 7)]));
  const whole = utility.answer.bind(utility);
  utility.answer = (method, url, body) => (url.startsWith('/derp/1/derc') ? undefined : whole(method, url, body));
  await runTo(60);
  assert.equal(made.lastError?.code, 'GTX-SEP-001');
  utility.answer = whole;
  await runTo(300);
  assert.deepEqual([changes, made.view()?.derPrograms[0]?.program.primacy], [1, 7]);
  await made[Symbol.asyncDispose]();
  utility.isDown = true;
  const next = await client();
  assert.equal(next.view()?.derPrograms[0]?.program.primacy, 7);
});
