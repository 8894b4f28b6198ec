import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenTcp } from '#hal/linux/tcp.ts';
import { Connection, RefusedError } from './connection.ts';
import { document, startTestServer, testIdentities } from './test-server.ts';

const dcap = { href: '/dcap', pollRate: 900 };

test('what is got is the document asked for, over one kept-alive connection of CCM8', async (t) => {
  const identity = await testIdentities(t);
  const origin = await startTestServer(t, await identity('server'), () => document('DeviceCapability', dcap));
  await using connection = new Connection(origin, await identity('A'));
  for (let n = 0; n < 3; n++) assert.equal((await connection.get('/dcap', 'DeviceCapability')).href, '/dcap');
  assert.equal(connection.handshakes, 1);
  assert.deepEqual(connection.tls, { cipher: 'ECDHE-ECDSA-AES128-CCM8', version: 'TLSv1.2' });
});

test('where nobody listens, the failure says what to check', async (t) => {
  const identity = await testIdentities(t);
  const { port, ...listener } = await listenTcp(0, () => undefined);
  await listener[Symbol.asyncDispose]();
  await using connection = new Connection(`https://127.0.0.1:${port}`, await identity('A'));
  await assert.rejects(connection.get('/dcap', 'DeviceCapability'), (error: Error & { hint?: string }) => {
    assert.match(error.message, new RegExp(`^GET https://127.0.0.1:${port}/dcap: .*ECONNREFUSED`));
    assert.match(error.hint ?? '', /head-end runs/);
    return (error as { code?: string }).code === 'GTX-SEP-001';
  });
});

test('a server of another authority, or under a name that is not its own, is not talked to', async (t) => {
  const [ours, theirs] = [await testIdentities(t), await testIdentities(t)];
  const board = await ours('A');
  let requests = 0;
  const handler = () => {
    requests++;
    return document('DeviceCapability', dcap);
  };
  const foreign = { ...(await theirs('server')), caPem: board.caPem };
  for (const server of [foreign, await ours('another')]) {
    await using connection = new Connection(await startTestServer(t, server, handler), board);
    await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
  }
  assert.equal(requests, 0);
});

test('a refusal has its status, and the reason of its Error document', async (t) => {
  const identity = await testIdentities(t);
  const refusal = { ...document('Error', { reasonCode: 1 }), status: 400 };
  const page = { status: 502, body: '<html>Bad gateway</html>' };
  const origin = await startTestServer(t, await identity('server'), (_, url) =>
    url === '/bad' ? refusal : url === '/page' ? page : { status: 403 },
  );
  await using connection = new Connection(origin, await identity('A'));
  const refused = async (asked: Promise<unknown>): Promise<RefusedError> => {
    const error: unknown = await asked.then(
      () => assert.fail('not refused'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof RefusedError && error.code === 'GTX-SEP-002', String(error));
    return error;
  };
  const bad = await refused(connection.post('/bad', 'OfferTerms', { mRID: new Uint8Array(16), priceLimit: 1 }));
  assert.deepEqual([bad.status, bad.message], [400, 'POST /bad: the server answered 400 (reasonCode 1)']);
  const other = await refused(connection.get('/page', 'DeviceCapability'));
  assert.deepEqual([other.status, other.message], [502, 'GET /page: the server answered 502']);
  assert.equal((await refused(connection.get('/x', 'DeviceCapability'))).status, 403);
});

test('a document of another kind, or none, is no answer', async (t) => {
  const identity = await testIdentities(t);
  const origin = await startTestServer(t, await identity('server'), (_, url) =>
    url === '/time' ? document('DeviceCapability', dcap) : { status: 200, body: 'hello' },
  );
  await using connection = new Connection(origin, await identity('A'));
  await assert.rejects(connection.get('/time', 'Time'), { code: 'GTX-XML-010' });
  await assert.rejects(connection.get('/x', 'Time'), /^GridError: /);
});

test('a post answers the status and the place of what it made', async (t) => {
  const identity = await testIdentities(t);
  const seen: string[] = [];
  const origin = await startTestServer(t, await identity('server'), (method, url, body) => {
    seen.push(`${method} ${url} ${/priceLimit>\d+/.exec(body)?.[0]}`);
    return { status: 201, location: '/gtx/offers/1' };
  });
  await using connection = new Connection(origin, await identity('A'));
  const terms = { mRID: new Uint8Array(16), priceLimit: 7 };
  const { status, location, elapsedMs } = await connection.post('/gtx/offers?x=1', 'OfferTerms', terms);
  assert.deepEqual([status, location, seen], [201, '/gtx/offers/1', ['POST /gtx/offers?x=1 priceLimit>7']]);
  assert.ok(elapsedMs > 0);
});

test('links are followed within one server: absolute ones of its own too, never to another', async (t) => {
  const identity = await testIdentities(t);
  const urls: string[] = [];
  const origin = await startTestServer(t, await identity('server'), (_, url) => {
    urls.push(url);
    return document('DeviceCapability', dcap);
  });
  await using connection = new Connection(origin, await identity('A'));
  await connection.get(`${origin}/dcap?x=1`, 'DeviceCapability');
  const elsewhere = ['https://example.org/dcap', '//example.org/dcap', origin.replace('https', 'http'), 'file:///etc'];
  for (const href of elsewhere) {
    await assert.rejects(connection.get(href, 'DeviceCapability'), { code: 'GTX-SEP-003' }, href);
  }
  assert.deepEqual(urls, ['/dcap?x=1']);
});

test('a connection that broke is opened anew by the next request', async (t) => {
  const identity = await testIdentities(t);
  let requests = 0;
  const origin = await startTestServer(t, await identity('server'), () =>
    ++requests === 1 ? undefined : document('DeviceCapability', dcap),
  );
  await using connection = new Connection(origin, await identity('A'));
  await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
  assert.equal((await connection.get('/dcap', 'DeviceCapability')).href, '/dcap');
  assert.deepEqual([connection.handshakes, requests], [2, 2]);
});

test('an answer of more than 1 MiB is not read into memory', async (t) => {
  const identity = await testIdentities(t);
  const long = { status: 200, body: ' '.repeat((1 << 20) + 1) };
  const origin = await startTestServer(t, await identity('server'), () => long);
  await using connection = new Connection(origin, await identity('A'));
  await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
});
