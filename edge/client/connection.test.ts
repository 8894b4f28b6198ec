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

test('a post, a put and a delete follow redirects with their body; a Location elsewhere is absolute', async (t) => {
  const identity = await testIdentities(t);
  const server = await identity('server');
  const seen: string[] = [];
  const other = await startTestServer(t, server, (method, url, body) => {
    seen.push(`${method} ${url} ${body.includes('priceLimit')}`);
    return { status: 201, location: '/made/1' };
  });
  const origin = await startTestServer(t, server, (_, url) => ({ status: 308, location: other + url }));
  await using connection = new Connection(origin, await identity('A'));
  const terms = { mRID: new Uint8Array(16), priceLimit: 7 };
  assert.equal((await connection.post('/a', 'OfferTerms', terms)).location, `${other}/made/1`);
  await connection.put('/b', 'OfferTerms', terms);
  await connection.delete(`${other}/c`);
  assert.deepEqual(seen, ['POST /a true', 'PUT /b true', 'DELETE /c false']);
});

test('a redirect to a server of another authority leads nowhere', async (t) => {
  const [ours, theirs] = [await testIdentities(t), await testIdentities(t)];
  const other = await startTestServer(t, await theirs('server'), () => document('DeviceCapability', dcap));
  const origin = await startTestServer(t, await ours('server'), () => ({ status: 301, location: `${other}/dcap` }));
  await using connection = new Connection(origin, await ours('A'));
  await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
});

test('of the servers that redirects lead to, the last few are kept', async (t) => {
  const identity = await testIdentities(t);
  const server = await identity('server');
  const others = await Promise.all(
    Array.from({ length: 5 }, () => startTestServer(t, server, () => document('DeviceCapability', dcap))),
  );
  const origin = await startTestServer(t, server, (_, url) => ({
    status: 302,
    location: `${others[Number(url.slice(1))]}/x`,
  }));
  await using connection = new Connection(origin, await identity('A'));
  for (let n = 0; n < 5; n++) await connection.get(`/${n}`, 'DeviceCapability');
  await connection.get(`${others[4]}/dcap`, 'DeviceCapability');
  await assert.rejects(connection.get(`${others[0]}/dcap`, 'DeviceCapability'), { code: 'GTX-SEP-003' });
});

test('a server that speaks the edition of 2013 is written to in the same', async (t) => {
  const identity = await testIdentities(t);
  const bodies: string[] = [];
  const origin = await startTestServer(t, await identity('server'), (method, _, body) => {
    if (method === 'POST') bodies.push(body);
    return { status: 200, body: '<DeviceCapability xmlns="http://ieee.org/2030.5" href="/dcap"/>' };
  });
  await using connection = new Connection(origin, await identity('A'));
  await connection.get('/dcap', 'DeviceCapability');
  await connection.post('/rsp', 'Response', {
    endDeviceLFDI: new Uint8Array(20),
    subject: new Uint8Array(16),
    status: 1,
  });
  assert.match(bodies[0] ?? '', /xmlns="http:\/\/ieee.org\/2030.5"/);
});

test('a refusal tells when the server wants to be asked again', async (t) => {
  const identity = await testIdentities(t);
  const origin = await startTestServer(t, await identity('server'), (_, url) =>
    url === '/head'
      ? { status: 503, headers: { 'retry-after': '30' } }
      : { ...document('Error', { reasonCode: 4, maxRetryDuration: 77 }), status: 429 },
  );
  await using connection = new Connection(origin, await identity('A'));
  await assert.rejects(connection.get('/head', 'DeviceCapability'), { retryAfter: 30 });
  await assert.rejects(connection.get('/body', 'DeviceCapability'), { retryAfter: 77 });
});

test('CSIP-AUS elements go to a server that has shown some, in the namespace of its version', async (t) => {
  const identity = await testIdentities(t);
  const bodies: string[] = [];
  const origin = await startTestServer(t, await identity('server'), (method, path, body) => {
    if (method === 'PUT') bodies.push(body);
    const link = path === '/plain' ? '' : '<aus:ConnectionPointLink href="/cp"/>';
    const head = `<EndDevice xmlns="urn:ieee:std:2030.5:ns" xmlns:aus="https://csipaus.org/ns${path === '/1.3' ? '/v1.3' : ''}">`;
    return { status: 200, body: `${head}<sFDI>1</sFDI><changedTime>0</changedTime>${link}</EndDevice>` };
  });
  await using connection = new Connection(origin, await identity('A'));
  const capability = {
    modesSupported: Uint8Array.of(1),
    rtgMaxW: { multiplier: 0, value: 1 },
    type: 83,
    doeModesSupported: Uint8Array.of(15),
  };
  for (const path of ['/plain', '/1.3', '/1.2']) {
    await connection.get(path, 'EndDevice');
    await connection.put('/dercap', 'DERCapability', capability);
  }
  assert.deepEqual(
    bodies.map((body) => /"(https:\/\/csipaus[^"]*)"/.exec(body)?.[1]),
    [undefined, 'https://csipaus.org/ns/v1.3', 'https://csipaus.org/ns'],
  );
  assert.deepEqual(
    bodies.map((body) => body.includes('doeModesSupported')),
    [false, true, true],
  );
});
