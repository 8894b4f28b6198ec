import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { GridError } from '#hal/errors.ts';
import { monotonicMs } from '#hal/wall.ts';
import { Gateway, type GatewayOptions } from './gateway.ts';
import { SampleSource, sampleSnapshot, sampleSnapshotAtStart } from './sample-campus.ts';
import {
  type CampusSnapshot,
  CampusSnapshotSchema,
  HealthSchema,
  HistorySchema,
  MeterSchema,
  MetersSchema,
  ProblemSchema,
  SettlementsSchema,
  WindowsSchema,
} from './snapshot.ts';

const log = pino({ level: 'silent' });

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request as written: unlike fetch it may send any Host header and an unclean path. */
async function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const request = http.request({ port, path, method, headers, host: '127.0.0.1', agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

async function startGateway(t: TestContext, options: Partial<GatewayOptions> = {}) {
  const source = new SampleSource(sampleSnapshot());
  const gateway = new Gateway({ port: 0, source, log, ...options });
  t.after(() => gateway[Symbol.asyncDispose]());
  const { port } = await gateway.start();
  return { gateway, source, port };
}

/** Opens the event stream and reads it event by event. */
async function listen(t: TestContext, port: number) {
  const request = http.get({ port, path: '/api/v1/events', host: '127.0.0.1', agent: false });
  t.after(() => request.destroy());
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]();
  let text = '';
  const next = async (): Promise<CampusSnapshot> => {
    for (;;) {
      const event = /event: snapshot\ndata: (.*)\n\n/.exec(text);
      if (event !== null) {
        text = text.slice(event.index + event[0].length);
        return JSON.parse(event[1] ?? '') as CampusSnapshot;
      }
      const chunk = await chunks.next();
      if (chunk.done === true) throw new Error('the stream ended');
      text += String(chunk.value);
    }
  };
  return { response, next };
}

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  const problem: unknown = JSON.parse(answer.body);
  assert.ok(Check(ProblemSchema, problem), answer.body);
  assert.equal(problem.code, code);
}

const resources: readonly [string, TSchema][] = [
  ['snapshot', CampusSnapshotSchema],
  ['meters', MetersSchema],
  ['meters/AMI_METER_STANFORD_ENG_001', MeterSchema],
  ['windows', WindowsSchema],
  ['settlements', SettlementsSchema],
  ['history', HistorySchema],
  ['health', HealthSchema],
];

for (const [path, schema] of resources) {
  test(`/api/v1/${path} answers with what its schema says, and nobody may cache it`, async (t) => {
    const { port, source } = await startGateway(t);
    for (const snapshot of [sampleSnapshotAtStart(), sampleSnapshot()]) {
      source.push(snapshot);
      const answer = await ask(port, `/api/v1/${path}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['cache-control'], 'no-store');
      const body: unknown = JSON.parse(answer.body);
      assert.deepEqual([...Errors(schema, body)], []);
    }
  });
}

test('the snapshot over REST is the source’s, to the last digit', async (t) => {
  const { port } = await startGateway(t);
  assert.deepEqual(JSON.parse((await ask(port, '/api/v1/snapshot')).body), sampleSnapshot());
});

test('the history starts with the first reading, not with zeros before it', async (t) => {
  const source = new SampleSource(sampleSnapshotAtStart());
  const { port } = await startGateway(t, { source });
  const points = async (): Promise<number> =>
    (JSON.parse((await ask(port, '/api/v1/history')).body) as { points: unknown[] }).points.length;
  assert.equal(await points(), 0);
  source.push(sampleSnapshot());
  assert.equal(await points(), 1);
});

test('health answers 503 while the database is away', async (t) => {
  const { port, source } = await startGateway(t);
  const sample = sampleSnapshot();
  source.push({ ...sample, health: { ...sample.health, database: 'unavailable', lastError: 'GTX-DBS-001 gone' } });
  const answer = await ask(port, '/api/v1/health');
  assert.equal(answer.status, 503);
  assert.match(answer.body, /"database":"unavailable","lastError":"GTX-DBS-001 gone"/);
});

test('what is not there is a problem in JSON with a code and a hint', async (t) => {
  const { port } = await startGateway(t);
  assertProblem(await ask(port, '/nothing'), 404, 'GTX-GTW-004');
  assertProblem(await ask(port, '/api/v1/nothing'), 404, 'GTX-GTW-004');
  assertProblem(await ask(port, '/api/v1/snapshot', {}, 'DELETE'), 404, 'GTX-GTW-004');
  assert.equal((await ask(port, '/api/v1/events', {}, 'HEAD')).status, 404);
  assertProblem(await ask(port, '/api/v1/meters/NOBODY'), 404, 'GTX-GTW-005');
  assertProblem(await ask(port, '/api/v1/meters/%zz'), 400, 'GTX-GTW-008');
});

test('a failure inside says nothing of its cause to the client', async (t) => {
  const source = new SampleSource(sampleSnapshot());
  const { port } = await startGateway(t, { source });
  t.mock.method(source, 'current', () => {
    throw new Error('password in the message');
  });
  const answer = await ask(port, '/api/v1/snapshot');
  assertProblem(answer, 500, 'GTX-GTW-010');
  assert.doesNotMatch(answer.body, /password/);
});

test('a foreign Host header is refused, so that a rebound name reaches nothing', async (t) => {
  const { port } = await startGateway(t);
  for (const path of ['/', '/api/v1/snapshot', '/api/v1/events', '/app.js', '/nothing']) {
    assertProblem(await ask(port, path, { host: `evil.example:${port}` }), 421, 'GTX-GTW-006');
  }
  assert.equal((await ask(port, '/', { host: `localhost:${port}` })).status, 200);
});

test('another site’s script cannot use the interface, but may link to the page', async (t) => {
  const { port } = await startGateway(t);
  assertProblem(await ask(port, '/api/v1/events', { 'sec-fetch-site': 'cross-site' }), 403, 'GTX-GTW-009');
  assert.equal((await ask(port, '/', { 'sec-fetch-site': 'cross-site' })).status, 200);
});

test('the page comes with a strict policy and is checked again each time', async (t) => {
  const { port } = await startGateway(t);
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/app.js', 'application/javascript'],
    ['/style.css', 'text/css'],
    ['/icon.svg', 'image/svg+xml'],
  ] as const) {
    const answer = await ask(port, path);
    assert.equal(answer.status, 200, path);
    assert.ok(String(answer.headers['content-type']).startsWith(type), path);
    assert.match(String(answer.headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
    assert.doesNotMatch(String(answer.headers['content-security-policy']), /unsafe/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['cache-control'], 'no-cache');
    const again = await ask(port, path, { 'if-none-match': String(answer.headers.etag) });
    assert.equal(again.status, 304, path);
  }
});

test('only the page’s own files are served', async (t) => {
  const { port } = await startGateway(t);
  for (const path of [
    '/format.test.ts',
    '/../page.ts',
    '/%2e%2e/page.ts',
    '/..%2fpage.ts',
    '//etc/passwd',
    '/tsconfig.json',
  ]) {
    const { status } = await ask(port, path);
    assert.ok(status === 404 || status === 403 || status === 400, `${path} gave ${status}`);
  }
});

test('a listener gets the present snapshot, then each change', async (t) => {
  const { port, source } = await startGateway(t);
  const { response, next } = await listen(t, port);
  assert.match(String(response.headers['content-type']), /^text\/event-stream/);
  assert.equal(response.headers['cache-control'], 'no-store');
  assert.match(String(response.headers['content-security-policy']), /default-src 'none'/);
  const sample = sampleSnapshot();
  assert.deepEqual(await next(), sample);
  const changed = { ...sample, health: { ...sample.health, lastError: 'GTX-SRV-001 line one\nand two' } };
  source.push(changed);
  assert.deepEqual(await next(), changed);
});

test('one listener too many is refused until another leaves', async (t) => {
  const { port } = await startGateway(t, { maxEventClients: 2 });
  const first = await listen(t, port);
  await listen(t, port);
  const refused = await ask(port, '/api/v1/events');
  assertProblem(refused, 503, 'GTX-GTW-007');
  assert.equal(refused.headers['retry-after'], '5');
  first.response.destroy();
  let status = 503;
  // The server hears of the closed connection in its own time.
  while (status === 503) {
    const request = http.get({ port, path: '/api/v1/events', host: '127.0.0.1', agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    status = response.statusCode ?? 0;
    request.destroy();
  }
  assert.equal(status, 200);
});

test('disposing ends every stream within a second and lets go of the source; twice is fine', async (t) => {
  const { gateway, port, source } = await startGateway(t);
  const { response, next } = await listen(t, port);
  const idle = net.connect(port, '127.0.0.1');
  t.after(() => idle.destroy());
  await once(idle, 'connect');
  await next();
  assert.equal(source.listeners, 1);
  const begun = monotonicMs();
  await Promise.all([once(response.socket, 'close'), gateway[Symbol.asyncDispose]()]);
  assert.ok(monotonicMs() - begun < 1000);
  assert.equal(source.listeners, 0);
  await gateway[Symbol.asyncDispose]();
  await assert.rejects(ask(port, '/'), { code: 'ECONNREFUSED' });
});

test('a listener that reads nothing does not hold up the end', async (t) => {
  const sample = sampleSnapshot();
  // More than the kernel's buffers take.
  const large = { ...sample, health: { ...sample.health, lastError: 'x'.repeat(20_000_000) } };
  const { gateway, port } = await startGateway(t, { source: new SampleSource(large) });
  const stuck = net.connect(port, '127.0.0.1');
  t.after(() => stuck.destroy());
  stuck.on('error', () => stuck.destroy());
  stuck.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(stuck, 'readable');
  const begun = monotonicMs();
  await gateway[Symbol.asyncDispose]();
  assert.ok(monotonicMs() - begun < 1000);
});

test('a taken port is named, with the flag that changes it', async (t) => {
  const { port } = await startGateway(t);
  const second = new Gateway({ port, source: new SampleSource(sampleSnapshot()), log });
  await assert.rejects(second.start(), (error) => {
    assert.ok(error instanceof GridError);
    assert.equal(error.code, 'GTX-GTW-001');
    assert.equal(error.message, `Port ${port} is taken`);
    assert.match(error.hint ?? '', /--http-port 0/);
    assert.equal(error.kind, 'runtime');
    return true;
  });
});

test('a host beyond loopback is refused before anything listens, unless there is TLS', async () => {
  const gateway = new Gateway({ port: 0, host: '0.0.0.0', source: new SampleSource(sampleSnapshot()), log });
  await assert.rejects(gateway.start(), { code: 'GTX-GTW-002', kind: 'input' });
});

test('IPv6 loopback works where the machine has it', async (t) => {
  const gateway = new Gateway({ port: 0, host: '::1', source: new SampleSource(sampleSnapshot()), log });
  t.after(() => gateway[Symbol.asyncDispose]());
  let port: number;
  try {
    ({ port } = await gateway.start());
  } catch (error) {
    assert.ok(error instanceof GridError && error.code === 'GTX-GTW-003');
    t.skip('this machine has no IPv6 loopback');
    return;
  }
  const response = await fetch(`http://[::1]:${port}/api/v1/health`);
  assert.equal(response.status, 200);
  await response.body?.cancel();
});
