import assert from 'node:assert/strict';
import https from 'node:https';
import { test, type TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { ClientProcedure } from '../procedure.ts';
import { type Hands, ProcedureRun } from './procedure-run.ts';
import { mandatoryTls } from './raw-server.ts';
import { ClientStand } from './stand.ts';
import { UtilityServer } from './utility-server.ts';

const start = 1_782_000_000;

/** A client of a few lines: what a test has it send is all that comes. */
async function bench(t: TestContext, procedure: ClientProcedure, hands: Hands = {}) {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const stand = stack.use(await ClientStand.open());
  const identity = await stand.identity('RAW_CLIENT');
  const clock = new VirtualClock(UnixSeconds(start));
  const server = stack.use(new UtilityServer(await stand.identity('server'), clock));
  await server.start();
  const { utility, requests, notifier } = server;
  const run = new ProcedureRun(procedure, { utility, requests, notifier, clientLfdi: identity.lfdi, hands });
  server.observer = (request, isServed) => run.request(request, isServed);
  const send = (method: string, path: string, body = ''): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const { certificatePem: cert, keyPem: key, caPem: ca } = identity;
      const options = { ...mandatoryTls, cert, key, ca, method, agent: false as const };
      const request = https.request(`${server.server.origin}${path}`, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      });
      request.on('error', reject);
      request.end(body);
    });
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      clock.setNow(UnixSeconds(clock.now() + 1));
      run.second();
    }
  };
  run.begin();
  return { run, send, pass, utility, lfdi: identity.lfdi };
}

const procedure = (
  steps: ClientProcedure['steps'],
  preconditions: ClientProcedure['preconditions'] = {},
): ClientProcedure => ({
  title: 'a test',
  category: 'Test',
  classes: [],
  preconditions: { immediate_start: true, ...preconditions },
  criteria: { checks: [{ type: 'all-steps-complete' }] },
  steps,
});
const remove = (...steps: string[]) => ({ type: 'remove-steps', parameters: { steps } });
const enable = (...steps: string[]) => ({ type: 'enable-steps', parameters: { steps } });
const get = (endpoint: string) => ({ type: 'GET-request-received', parameters: { endpoint } });

const device = (lfdi: string): string =>
  `<EndDevice xmlns="urn:ieee:std:2030.5:ns"><lFDI>${lfdi}</lFDI><sFDI>1</sFDI><changedTime>0</changedTime></EndDevice>`;

test('a step waits for its request, and only the first one is active at the start', async (t) => {
  const { run, send, pass } = await bench(
    t,
    procedure({
      ONE: { event: get('/dcap'), actions: [enable('TWO'), remove('ONE')] },
      TWO: { event: get('/edev'), actions: [remove('TWO')] },
    }),
  );
  await send('GET', '/edev');
  assert.deepEqual(run.faults(), ['all-steps-complete: steps not done: ONE, TWO']);
  assert.match((await send('GET', '/dcap')).body, /EndDeviceListLink/);
  assert.deepEqual(run.faults(), ['all-steps-complete: steps not done: TWO']);
  // A later page is not a new poll.
  await send('GET', '/edev?s=1&l=1');
  assert.ok(run.faults().length > 0);
  await send('GET', '/edev?s=0&l=1');
  pass(1);
  assert.deepEqual([run.isOver, run.faults()], [true, []]);
});

test('a request triggers one step at most', async (t) => {
  const { run, send } = await bench(
    t,
    procedure(
      {
        ONE: { event: get('/dcap'), actions: [remove('ONE')] },
        TWO: { event: get('/dcap'), actions: [remove('TWO')] },
      },
      { actions: [enable('TWO')] },
    ),
  );
  await send('GET', '/dcap');
  assert.deepEqual(run.faults(), ['all-steps-complete: steps not done: TWO']);
});

test('a step with checks waits until what the client told is as it should be', async (t) => {
  const put = {
    type: 'PUT-request-received',
    parameters: { endpoint: '/edev/1/der/1/ders', serve_request_first: true },
  };
  const connected = {
    type: 'der-status-contents',
    parameters: { genConnectStatus_bit0: true, operationalModeStatus: 2 },
  };
  const { run, send, pass, lfdi, utility } = await bench(
    t,
    procedure({ ONE: { event: { ...put, checks: [connected] }, actions: [remove('ONE')] } }),
  );
  await send('POST', '/edev', device(lfdi));
  assert.equal(utility.active?.lfdi, lfdi);
  const status = (bits: string): string =>
    `<DERStatus xmlns="urn:ieee:std:2030.5:ns"><genConnectStatus><dateTime>0</dateTime><value>${bits}</value></genConnectStatus>` +
    '<operationalModeStatus><dateTime>0</dateTime><value>2</value></operationalModeStatus></DERStatus>';
  assert.equal((await send('PUT', '/edev/1/der/1/ders', status('06'))).status, 204);
  assert.equal(run.faults().length, 1);
  await send('PUT', '/edev/1/der/1/ders', status('07'));
  pass(1);
  assert.deepEqual([run.isOver, run.faults()], [true, []]);
});

test('waits go by the virtual time, controls follow what the client told of itself, responses are counted', async (t) => {
  const response = {
    type: 'POST-request-received',
    parameters: { endpoint: '/edev/1/rsps/site_control/rsp', serve_request_first: true },
  };
  const received = { type: 'response-contents', parameters: { latest: true, status: 1, subject_tag: 'A' } };
  const control = {
    type: 'create-der-control',
    parameters: { start: '$(now)', duration_seconds: 60, opModExpLimW: '$(maxExportW * 0.5)', tag: 'A' },
  };
  const { run, send, pass, lfdi, utility } = await bench(
    t,
    procedure(
      {
        WAIT: {
          event: { type: 'wait', parameters: { duration_seconds: 30 } },
          actions: [control, enable('RECEIVED'), remove('WAIT')],
        },
        RECEIVED: { event: { ...response, checks: [received] }, actions: [remove('RECEIVED')] },
      },
      { immediate_start: false, checks: [{ type: 'der-settings-contents', parameters: { setMaxW: true } }] },
    ),
  );
  await send('POST', '/edev', device(lfdi));
  pass(10);
  assert.equal(run.isStarted, false);
  const settings =
    '<DERSettings xmlns="urn:ieee:std:2030.5:ns"><setGradW>27</setGradW><setMaxW><multiplier>2</multiplier><value>80</value></setMaxW>' +
    '<updatedTime>0</updatedTime></DERSettings>';
  await send('PUT', '/edev/1/der/1/derg', settings);
  pass(1);
  assert.equal(run.isStarted, true);
  pass(29);
  assert.equal(utility.programs.length, 0);
  pass(1);
  const { body } = await send('GET', '/edev/1/derp/1/derc?l=5');
  assert.match(body, /<csipaus:opModExpLimW><multiplier>0<\/multiplier><value>4000<\/value>/);
  const [, mrid = ''] = /<mRID>(\w+)<\/mRID>/.exec(body) ?? [];
  const answer = (subject: string, of: string): string =>
    `<DERControlResponse xmlns="urn:ieee:std:2030.5:ns"><createdDateTime>0</createdDateTime><endDeviceLFDI>${of}</endDeviceLFDI>` +
    `<status>1</status><subject>${subject}</subject></DERControlResponse>`;
  const path = '/edev/1/rsps/site_control/rsp';
  // Not of this device, or to nothing that there is: refused, and not counted.
  assert.equal((await send('POST', path, answer(mrid, 'AB'.repeat(20)))).status, 400);
  assert.equal((await send('POST', path, answer('00'.repeat(16), lfdi))).status, 400);
  assert.equal(run.faults().length, 1);
  assert.equal((await send('POST', path, answer(mrid, lfdi))).status, 201);
  pass(1);
  assert.deepEqual([run.isOver, run.faults()], [true, []]);
});

test('in an outage every request is answered with 500, and none of them counts', async (t) => {
  const { run, send, pass } = await bench(
    t,
    procedure(
      { ONE: { event: get('/dcap'), actions: [remove('ONE')] } },
      { actions: [{ type: 'communications-status', parameters: { enabled: false } }] },
    ),
  );
  assert.equal((await send('GET', '/dcap')).status, 500);
  pass(10);
  assert.equal(run.faults().length, 1);
});

test('what is seen at the site counts as much as what is on the wire', async (t) => {
  const { run, send, pass } = await bench(t, procedure({ ONE: { event: get('/dcap'), actions: [remove('ONE')] } }), {
    faults: () => ['600 W too much'],
  });
  await send('GET', '/dcap');
  pass(1);
  assert.deepEqual(run.faults(), ['600 W too much']);
});
