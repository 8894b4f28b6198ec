import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { connect } from 'node:tls';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { channelMrid } from '#ieee2030_5/ext/channels.ts';
import { formatLfdi, lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { MarketDesk } from '../market/desk.ts';
import { MarketStore } from '../market/store.ts';
import { ReadingStore } from '../readings/store.ts';
import { Registry } from '../registry/devices.ts';
import { KnownAuthorities } from './known-authorities.ts';
import { SepResources } from './sep-resources.ts';
import { SepServer } from './sep-server.ts';

const log = createLog('test', 'silent');
const now = UnixSeconds(1_782_000_000);
const maxBody = 1 << 20;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const reasonOf = ({ body }: Answer): number => parseAs('Error', Buffer.from(body)).reasonCode;

suite('the IEEE 2030.5 server', { concurrency: false }, () => {
  const resources = new AsyncDisposableStack();
  const agents = new Map<DeviceIdentity, https.Agent>();
  const warnings: unknown[] = [];
  let database: Database;
  let readings: ReadingStore;
  let server: SepServer;
  let sep: SepResources;
  let port: number;
  let alice: DeviceIdentity;
  let bob: DeviceIdentity;
  /** Of the same authority, but not registered. */
  let stranger: DeviceIdentity;
  /** Of another authority. */
  let foreigner: DeviceIdentity;

  const agentOf = (identity: DeviceIdentity): https.Agent => {
    const known = agents.get(identity);
    if (known !== undefined) return known;
    const tls = clientTls({ cert: identity.certificatePem, key: identity.keyPem, ca: identity.caPem });
    const agent = new https.Agent({ ...tls, keepAlive: true });
    agents.set(identity, agent);
    return agent;
  };

  const ask = (agent: https.Agent, path: string, { method = 'GET', headers = {}, body }: Asking = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const request = https.request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  const get = (identity: DeviceIdentity, path: string, headers?: Asking['headers']) =>
    ask(agentOf(identity), path, headers === undefined ? {} : { headers });
  const post = (identity: DeviceIdentity, path: string, body: string, contentType = mediaType) =>
    ask(agentOf(identity), path, { method: 'POST', headers: { 'content-type': contentType }, body });

  const mirrorPoint = (identity: DeviceIdentity, meterId: string): string =>
    writeDocument('MirrorUsagePoint', {
      mRID: mridOf(meterId),
      deviceLFDI: lfdiBytes(identity.lfdi),
      roleFlags: Uint8Array.of(0, 3),
      serviceCategoryKind: 0,
      status: 1,
      MirrorMeterReading: [
        {
          mRID: channelMrid(meterId, 'generation'),
          ReadingType: { uom: 72, flowDirection: 19, accumulationBehaviour: 3 },
        },
      ],
    });
  const reading = (meterId: string, value: number, start: number): string =>
    writeDocument('MirrorMeterReading', {
      mRID: channelMrid(meterId, 'generation'),
      Reading: { value, timePeriod: { start: BigInt(start), duration: 15 } },
    });
  const reservation = (name: string, energyWh: number, window: number, duration = 300): string =>
    writeDocument('FlowReservationRequest', {
      mRID: mridOf(name),
      creationTime: BigInt(now),
      energyRequested: { multiplier: 0, value: energyWh },
      intervalRequested: { duration, start: BigInt(window) },
      powerRequested: { multiplier: 0, value: 0 },
      RequestStatus: { dateTime: BigInt(now), requestStatus: 0 },
    });
  const count = async (table: string): Promise<number> =>
    (await database.pool.query<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n ?? Number.NaN;
  const hrefOf = (identity: DeviceIdentity): Promise<string> =>
    get(identity, '/edev').then(
      ({ body }) => parseAs('EndDeviceList', Buffer.from(body)).EndDevice?.[0]?.href ?? 'no EndDevice',
    );

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gtx-sep-'));
    resources.defer(() => rmSync(folder, { recursive: true }));
    const [ca, otherCa] = [
      await CertificateAuthority.create(join(folder, 'ca')),
      await CertificateAuthority.create(join(folder, 'other-ca')),
    ];
    const identity = (name: string, by = ca) => loadOrCreateIdentity(join(folder, name), { ca: by, serial: name });
    const own = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server', hosts: ['127.0.0.1'] });
    [alice, bob, stranger] = [await identity('ALICE'), await identity('BOB'), await identity('STRANGER')];
    foreigner = { ...(await identity('FOREIGNER', otherCa)), caPem: ca.rootPem };

    database = resources.use(await startTestDatabase());
    const registry = new Registry(database);
    const place = { building: 'academic', zone: 'campus', ratedW: 1, storageWh: 0, at: now };
    for (const [meterId, { lfdi }] of [['ALICE', alice] as const, ['BOB', bob] as const]) {
      await registry.register({ ...place, meterId, name: meterId, lfdi: formatLfdi(lfdi) });
    }
    readings = resources.use(new ReadingStore({ pool: database.pool, log }));
    await readings.start();
    const clock = new VirtualClock(now);
    const desk = new MarketDesk(clock, new MarketStore(database.pool));
    const { pool } = database;
    const { lfdi } = own;
    sep = new SepResources({ pool, clock, registry, readings, desk, lfdi, onPosted: () => undefined });
    resources.use(sep);
    await sep.start();
    const tls = { cert: own.certificatePem, key: own.keyPem, ca: own.caPem };
    server = new SepServer({
      port: 0,
      host: '127.0.0.1',
      tls,
      authorities: new KnownAuthorities(tls, sep.records),
      registry,
      engine: sep.engine,
      onUnavailable: () => undefined,
      headersTimeoutMs: 300,
      log: Object.assign(createLog('test', 'silent'), { warn: (facts: unknown) => warnings.push(facts) }),
    });
    resources.use(server);
    port = await server.start();
    assert.equal((await post(alice, '/mup', mirrorPoint(alice, 'ALICE'))).status, 201);
    assert.equal((await post(bob, '/mup', mirrorPoint(bob, 'BOB'))).status, 201);
  });
  after(async () => {
    for (const agent of agents.values()) agent.destroy();
    await resources.disposeAsync();
  });

  test('a device of the CA that is not registered is 403 everywhere', async () => {
    for (const path of ['/dcap', '/edev', '/mup', '/nothing', '/.well-known/gridtokenx']) {
      assert.deepEqual([(await get(stranger, path)).status, path], [403, path]);
    }
    assert.equal((await post(stranger, '/mup', mirrorPoint(stranger, 'ALICE'))).status, 403);
  });

  test('without a certificate, or with one of another CA, there is no connection', async () => {
    const { key, cert, ...tls } = clientTls({ cert: alice.certificatePem, key: alice.keyPem, ca: alice.caPem });
    assert.ok(key !== undefined && cert !== undefined);
    const handshakes = server.handshakes;
    await assert.rejects(ask(new https.Agent(tls), '/dcap'));
    await assert.rejects(get(foreigner, '/dcap'));
    assert.equal(server.handshakes, handshakes);
  });

  test('a MirrorUsagePoint of another device than that of the certificate is 403 and changes nothing', async () => {
    const had = await count('mirror_usage_points');
    const answer = await post(bob, '/mup', mirrorPoint(alice, 'BOB'));
    assert.deepEqual([answer.status, answer.headers['location']], [403, undefined]);
    assert.equal(await count('mirror_usage_points'), had);
    const { rows } = await database.pool.query<{ n: number }>(
      `SELECT count(*) AS n FROM mirror_usage_points p JOIN devices d ON d.id = p.device_id WHERE d.meter_id = 'ALICE'`,
    );
    assert.equal(rows[0]?.n, 1);
  });

  test('a document of another media type is 415', async () => {
    for (const type of ['application/xml', 'text/plain', 'application/sep-exi', 'application/sep+xmlx']) {
      assert.equal((await post(alice, '/mup', mirrorPoint(alice, 'ALICE'), type)).status, 415, type);
    }
    const bare = await ask(agentOf(alice), '/mup', { method: 'POST', body: mirrorPoint(alice, 'ALICE') });
    assert.equal(bare.status, 415);
    const withParameter = 'Application/SEP+XML; charset=utf-8';
    assert.equal((await post(alice, '/mup', mirrorPoint(alice, 'ALICE'), withParameter)).status, 204);
  });

  test('who cannot take 2030.5 XML is 406', async () => {
    for (const accept of ['application/json', 'text/html, image/*', 'application/sep-exi']) {
      assert.equal((await get(alice, '/dcap', { accept })).status, 406, accept);
    }
    for (const accept of ['*/*', 'application/*', mediaType, `text/html, ${mediaType};q=0.5`]) {
      const answer = await get(alice, '/dcap', { accept });
      assert.deepEqual([answer.status, answer.headers['content-type']], [200, mediaType], accept);
    }
    assert.equal((await get(alice, '/dcap')).status, 200);
  });

  test('a document of more than 1 MiB is 413, and the server lives on', async () => {
    const body = ' '.repeat(maxBody + 1);
    const answer = await post(alice, '/mup', body);
    assert.equal(answer.status, 413);
    assert.equal(answer.headers['connection'], 'close');
    assert.equal(reasonOf(answer), 2);
    // One byte less is read, and found not to be XML.
    assert.equal((await post(alice, '/mup', body.slice(1))).status, 400);
    assert.equal((await get(alice, '/dcap')).status, 200);
  });

  test('headers beyond 16 KiB are 431, and the server lives on', async () => {
    const answer = await get(alice, '/dcap', { 'x-long': 'x'.repeat(20_000) });
    assert.equal(answer.status, 431);
    assert.equal((await get(alice, '/dcap')).status, 200);
  });

  test('what is not a document is 400 with reasonCode 0', async () => {
    const whole = mirrorPoint(alice, 'ALICE');
    const doctype = whole.replace(
      '<MirrorUsagePoint',
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><MirrorUsagePoint',
    );
    const wrong = ['', '<', 'hello', whole.slice(0, -5), whole.replaceAll('mRID', 'mrid'), doctype, '\u{0}', '<a/>'];
    for (const body of [...wrong, reading('ALICE', 1, now)]) {
      const answer = await post(alice, '/mup', body);
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 0], body.slice(0, 80));
      assert.equal(answer.headers['content-type'], mediaType);
    }
  });

  test('a value out of its range is 400 with reasonCode 1', async () => {
    const whole = mirrorPoint(alice, 'ALICE');
    const status = whole.replace('<status>1</status>', '<status>256</status>');
    const short = whole.replace(/<roleFlags>.*?<\/roleFlags>/, '<roleFlags>XY</roleFlags>');
    for (const body of [status, short]) {
      assert.notEqual(body, whole);
      const answer = await post(alice, '/mup', body);
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 1], body);
    }
  });

  test('a path that is not there is 404, a method that is not there 405 with Allow', async () => {
    for (const path of ['/', '/mup/999999', '/mup/x', '/edev/x', '/edev/1/nothing']) {
      assert.equal((await get(alice, path)).status, 404, path);
    }
    const answer = await ask(agentOf(alice), '/mup', { method: 'DELETE' });
    assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET, POST, HEAD']);
    const put = await ask(agentOf(alice), '/dcap', {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: '<a/>',
    });
    assert.deepEqual([put.status, put.headers['allow']], [405, 'GET, HEAD']);
  });

  test('HEAD has the headers of GET and no body', async () => {
    const [got, head] = [await get(alice, '/dcap'), await ask(agentOf(alice), '/dcap', { method: 'HEAD' })];
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.equal(head.headers['content-length'], String(Buffer.byteLength(got.body)));
    assert.equal(head.headers['content-type'], got.headers['content-type']);
  });

  test("another device's EndDevice, reservations and MirrorUsagePoint are 403", async () => {
    const [mine, others] = [await hrefOf(alice), await hrefOf(bob)];
    assert.notEqual(mine, others);
    assert.equal((await get(alice, mine)).status, 200);
    for (const path of [others, `${others}/frq`, `${others}/frp`, '/mup/2']) {
      assert.equal((await get(alice, path)).status, 403, path);
    }
    const order = reservation('theirs', 500, windowAfter(2));
    const had = await count('orders');
    assert.equal((await post(alice, `${others}/frq`, order)).status, 403);
    assert.equal(await count('orders'), had);
  });

  test('lists hold what is the own alone', async () => {
    const devices = parseAs('EndDeviceList', Buffer.from((await get(alice, '/edev')).body));
    assert.deepEqual([devices.all, devices.results], [1, 1]);
    assert.deepEqual(devices.EndDevice?.[0]?.lFDI, lfdiBytes(alice.lfdi));
    const points = parseAs('MirrorUsagePointList', Buffer.from((await get(bob, '/mup')).body));
    assert.deepEqual(
      points.MirrorUsagePoint?.map(({ mRID }) => mRID),
      [mridOf('BOB')],
    );
  });

  test("a post to another's MirrorUsagePoint changes nothing", async () => {
    const had = [await count('readings'), await count('reading_channels')];
    for (const meterId of ['ALICE', 'BOB']) {
      assert.equal((await post(alice, '/mup/2', reading(meterId, 1, now))).status, 403);
    }
    assert.deepEqual([await count('readings'), await count('reading_channels')], had);
    assert.equal((await post(bob, '/mup/2', reading('BOB', 1, now))).status, 201);
    assert.equal(await count('readings'), (had[0] ?? 0) + 1);
  });

  test('a posting is not answered before its commit', async () => {
    const locker = await database.pool.connect();
    try {
      await locker.query('BEGIN');
      await locker.query('LOCK TABLE readings IN ACCESS EXCLUSIVE MODE');
      let answered = false;
      const posting = post(alice, '/mup/1', reading('ALICE', 5, now)).finally(() => (answered = true));
      const waiting = 'SELECT count(*) AS n FROM pg_locks WHERE NOT granted';
      for (let n = 0; n === 0; ) n = (await database.pool.query<{ n: number }>(waiting)).rows[0]?.n ?? 0;
      assert.equal(answered, false);
      await locker.query('COMMIT');
      assert.equal((await posting).status, 201);
    } finally {
      locker.release();
    }
    assert.equal(readings.statistics.stored, await count('readings'));
  });

  test('what has not changed is 304 to who has it, by its ETag, and by its time where it has one', async () => {
    const first = await get(alice, '/dcap');
    const etag = String(first.headers['etag']);
    assert.match(etag, /^"[\w-]+"$/);
    for (const tag of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
      const { status, body, headers } = await get(alice, '/dcap', { 'if-none-match': tag });
      assert.deepEqual([status, body, headers['etag']], [304, '', etag], tag);
    }
    assert.equal((await get(alice, '/dcap', { 'if-none-match': '"x"' })).status, 200);
    // Bob's differs, though it is the same resource.
    await sep.settings.change({ pollRate: { dcap: 123 } });
    assert.equal((await get(alice, '/dcap', { 'if-none-match': etag })).status, 200);
    const edev = await hrefOf(alice);
    const modified = String((await get(alice, edev)).headers['last-modified']);
    assert.equal(modified, new Date(now * 1000).toUTCString());
    assert.equal((await get(alice, edev, { 'if-modified-since': modified })).status, 304);
    const earlier = new Date(now * 1000 - 1000).toUTCString();
    assert.equal((await get(alice, edev, { 'if-modified-since': earlier })).status, 200);
    // The tag goes before the time (RFC 9110 §13.2.2).
    assert.equal((await get(alice, edev, { 'if-modified-since': modified, 'if-none-match': '"x"' })).status, 200);
  });

  test('who writes in the namespace of 2013 is answered in it, until it writes in that of 2018', async () => {
    const isOld = async (who: DeviceIdentity) => (await get(who, '/dcap')).body.includes('"http://ieee.org/2030.5"');
    assert.equal(await isOld(alice), false);
    const document = mirrorPoint(alice, 'ALICE');
    const old = document.replace('urn:ieee:std:2030.5:ns', 'http://ieee.org/2030.5');
    assert.equal((await post(alice, '/mup', old)).status, 204);
    assert.deepEqual([await isOld(alice), await isOld(bob)], [true, false]);
    const refused = await post(alice, '/mup', old.replace('<status>1</status>', '<status>999</status>'));
    assert.equal(refused.status, 400);
    assert.ok(refused.body.includes('"http://ieee.org/2030.5"'));
    assert.equal((await post(alice, '/mup', document)).status, 204);
    assert.equal(await isOld(alice), false);
  });

  test('what the edition of 2013 cannot say is told in that of 2018', async () => {
    const document = mirrorPoint(alice, 'ALICE');
    assert.equal(
      (await post(alice, '/mup', document.replace('urn:ieee:std:2030.5:ns', 'http://ieee.org/2030.5'))).status,
      204,
    );
    // DERCapability of 2013 has to have rtgMaxA.
    const href = `${await hrefOf(alice)}/der/1/dercap`;
    await sep.store.put(href, 'DERCapability', {
      modesSupported: Uint8Array.of(1),
      rtgMaxW: { multiplier: 0, value: 1 },
      type: 83,
    });
    const { status, body } = await get(alice, href);
    assert.deepEqual([status, body.includes('urn:ieee:std:2030.5:ns')], [200, true]);
    assert.equal((await post(alice, '/mup', document)).status, 204);
  });

  test('a redirect is 301 with its place', async () => {
    await sep.records.put('redirect', '1', { from: '/tm', to: '/time', status: 301 });
    const { status, headers } = await get(alice, '/tm');
    assert.deepEqual([status, headers['location']], [301, '/time']);
    await sep.records.remove('redirect', '1');
  });

  test('the content of a file is bytes, by ranges where they are asked for', async () => {
    const file = { fileURI: '', mfID: 1, mfModel: 'm', mfVer: '1', size: 4, type: Uint8Array.of(0) };
    const { href } = await sep.store.add('/file', 'File', file);
    await sep.contents.put(href, Buffer.from('data'));
    const whole = await get(alice, `${href}/content`, { accept: 'application/octet-stream' });
    assert.deepEqual([whole.status, whole.body, whole.headers['accept-ranges']], [200, 'data', 'bytes']);
    const part = await get(alice, `${href}/content`, { range: 'bytes=1-2' });
    assert.deepEqual([part.status, part.body, part.headers['content-range']], [206, 'at', 'bytes 1-2/4']);
  });

  test('a refusal is logged once a device and code, and again when its number has grown tenfold', async () => {
    const identityLogs = () => warnings.filter((facts) => (facts as { code?: string }).code === 'GTX-LST-001');
    for (let i = 0; i < 25; i++) assert.equal((await get(alice, '/edev?l=x')).status, 400);
    assert.deepEqual(
      identityLogs().map((facts) => (facts as { times: number }).times),
      [1, 10],
    );
    assert.equal((await get(bob, '/edev?l=x')).status, 400);
    assert.equal(identityLogs().length, 3);
  });

  test('headers that never end are given up, and the server lives on', async () => {
    const tls = clientTls({ cert: alice.certificatePem, key: alice.keyPem, ca: alice.caPem });
    const socket = connect({ host: '127.0.0.1', port, ...tls });
    await once(socket, 'secureConnect');
    socket.write('GET /dcap HTTP/1.1\r\nx-slow: ');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 408 /);
    assert.equal((await get(alice, '/dcap')).status, 200);
  });

  test('an order that the market does not take is 400: not one window, not aligned, too late, of nothing', async () => {
    const frq = `${await hrefOf(alice)}/frq`;
    const wrong = [
      reservation('long', 500, windowAfter(2), 600),
      reservation('crooked', 500, windowAfter(2) + 1),
      reservation('late', 500, windowAfter(0)),
      reservation('early', 500, windowAfter(2 * 288)),
      reservation('nothing', 0, windowAfter(2)),
    ];
    for (const body of wrong) assert.equal((await post(alice, frq, body)).status, 400, body);
    assert.equal(await count('orders'), 0);
  });

  test('an order taken once is taken; its mRID for another order is 400', async () => {
    const frq = `${await hrefOf(alice)}/frq`;
    const first = await post(alice, frq, reservation('offer', 500, windowAfter(2)));
    assert.equal(first.status, 201);
    assert.equal(first.headers['location'], `${frq}/${Buffer.from(mridOf('offer')).toString('hex')}`);
    assert.equal((await post(alice, frq, reservation('offer', 500, windowAfter(2)))).status, 201);
    assert.equal((await post(alice, frq, reservation('offer', 600, windowAfter(2)))).status, 400);
    assert.equal(await count('orders'), 1);
    // As after a restart: the desk has not heard of it, the database has.
    await database.pool.query(`INSERT INTO orders VALUES ('ALICE', $1, 'sell', 100, 0, $2, $3)`, [
      Buffer.from(mridOf('old')),
      windowAfter(-2),
      windowAfter(-4),
    ]);
    assert.equal((await post(alice, frq, reservation('old', 700, windowAfter(3)))).status, 400);
    assert.equal(await count('orders'), 2);
  });
});

/** The start of a window, counted from the one that contains now. */
const windowAfter = (windows: number): number => now - (now % 300) + windows * 300;
