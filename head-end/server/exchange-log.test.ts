import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { lfdiBytes } from '#ieee2030_5/identity.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { ExchangeLog } from './exchange-log.ts';
import { KnownAuthorities } from './known-authorities.ts';
import { type Exchange, exchangeLine, interestingHeaders, parseExchanges } from './exchange-record.ts';
import { replay, type ReplayedAnswer, type ReplayedRequest } from './replay.ts';
import { RecordedServer } from './replay-server.ts';
import { samples } from './sample-documents.ts';
import { SepServer } from './sep-server.ts';
import { TestServer, testStart } from './test-server.ts';

const log = createLog('test', 'silent');
const pin = 111_115;

suite('the record of exchanges, over TLS', { concurrency: false }, () => {
  const resources = new AsyncDisposableStack();
  let head: TestServer;
  let exchanges: ExchangeLog;
  let tls: { readonly cert: string; readonly key: string; readonly ca: string };
  let port: number;
  let board: DeviceIdentity;
  let other: DeviceIdentity;
  let id: number;

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-exchanges-'));
    resources.defer(() => rm(folder, { recursive: true, force: true }));
    head = resources.use(await TestServer.start());
    const ca = await CertificateAuthority.create(join(folder, 'ca'));
    const server = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server', hosts: ['127.0.0.1'] });
    board = await loadOrCreateIdentity(join(folder, 'board'), { ca, serial: 'board' });
    other = await loadOrCreateIdentity(join(folder, 'other'), { ca, serial: 'other' });
    const at = head.clock.now();
    ({ id } = await head.registry.register({ meterId: 'BOARD', lfdi: board.lfdi, pin, at }));
    await head.registry.register({ meterId: 'OTHER', lfdi: other.lfdi, at });
    exchanges = resources.use(
      new ExchangeLog({ path: join(folder, 'exchanges.jsonl'), log, now: () => head.clock.now() }),
    );
    tls = { cert: server.certificatePem, key: server.keyPem, ca: server.caPem };
    const { registry } = head;
    const sep = new SepServer({
      port: 0,
      host: '127.0.0.1',
      tls,
      authorities: new KnownAuthorities(tls, head.sep.records),
      registry,
      engine: head.sep.engine,
      exchanges,
      log,
      onUnavailable: () => undefined,
    });
    resources.use(sep);
    port = await sep.start();
  });
  after(() => resources.disposeAsync());

  const sender =
    (identity: DeviceIdentity, to = port) =>
    (request: ReplayedRequest): Promise<ReplayedAnswer> =>
      new Promise((resolve, reject) => {
        const { certificatePem: cert, keyPem: key, caPem: trusted } = identity;
        const options = { ...clientTls({ cert, key, ca: trusted }), host: '127.0.0.1', port: to, agent: false };
        const { method, url: path, headers } = request;
        const sent = https.request({ ...options, method, path, headers }, (response) => {
          text(response).then(
            (body) =>
              resolve({ status: response.statusCode ?? 0, headers: interestingHeaders(response.headers), body }),
            reject,
          );
        });
        sent.on('error', reject);
        sent.end(request.body);
      });
  const get = (identity: DeviceIdentity, url: string) =>
    sender(identity)({ method: 'GET', url, headers: {}, body: '' });
  const post = <N extends RootName>(url: string, name: N, value: Roots[N]) =>
    sender(board)({ method: 'POST', url, headers: { 'content-type': mediaType }, body: writeDocument(name, value) });

  const recorded = async (): Promise<readonly Exchange[]> => {
    const stream = await exchanges.read();
    assert.ok(stream !== undefined);
    return parseExchanges(await text(stream));
  };

  /** A board finds what is its own, and mirrors. */
  const conversation = async (): Promise<void> => {
    for (const url of ['/dcap', '/edev', `/edev/${id}`, `/edev/${id}/rg`, '/nothing']) await get(board, url);
    const point = { ...samples.MirrorUsagePoint, deviceLFDI: lfdiBytes(board.lfdi) };
    const { headers } = await post('/mup', 'MirrorUsagePoint', point);
    await get(board, headers['location'] ?? '');
  };

  test('nothing was ever recorded: there is nothing to read', async () => {
    await get(board, '/dcap');
    assert.equal(await exchanges.read(), undefined);
    assert.deepEqual(exchanges.state, { at: 'off' });
  });

  test('requests and answers of the chosen device are recorded in order, its PIN replaced, and no others', async () => {
    // From the second time on the mirror is there already.
    await conversation();
    await exchanges.start({ lfdis: new Set([board.lfdi]), maxBytes: 1_000_000 });
    await conversation();
    await get(other, '/dcap');
    await exchanges.stop();
    await get(board, '/tm');
    const found = await recorded();
    const asked = found.map(({ method, url, status }) => `${method} ${url} ${status}`);
    assert.deepEqual(asked.slice(0, 6), [
      'GET /dcap 200',
      'GET /edev 200',
      `GET /edev/${id} 200`,
      `GET /edev/${id}/rg 200`,
      'GET /nothing 404',
      'POST /mup 204',
    ]);
    assert.equal(found.length, 7);
    assert.ok(found.every(({ lfdi, time }) => lfdi === board.lfdi && time === testStart));
    assert.match(found[3]?.answerBody ?? '', /<pIN>0<\/pIN>/);
    assert.ok(!JSON.stringify(found).includes(String(pin)));
    assert.match(found[5]?.body ?? '', /<MirrorUsagePoint/);
    assert.equal(found[5]?.headers['content-type'], mediaType);
  });

  test('a record that is replayed against the same server finds the same answers', async () => {
    assert.deepEqual(await replay(await recorded(), sender(board)), []);
  });

  test('ids that the server gives anew are followed, times and the PIN are left aside', async () => {
    const found = await recorded();
    // As if the mirror had been /mup/777 then.
    const renamed = JSON.parse(JSON.stringify(found).replaceAll(/\/mup\/\d+/g, '/mup/777')) as Exchange[];
    await head.pass(60);
    assert.deepEqual(await replay(renamed, sender(board)), []);
  });

  test('what has changed since is told with its place', async () => {
    const found = await recorded();
    await head.sep.settings.change({ postRate: 99 });
    const differences = await replay(found, sender(board));
    assert.ok(differences.some(({ place, answered }) => place.endsWith('/postRate') && answered === '99'));
    assert.deepEqual(new Set(differences.map(({ place }) => place.split('/').at(-1))), new Set(['postRate']));
    const asStranger = await replay(found.slice(2, 3), sender(other));
    assert.deepEqual(asStranger.map(({ place, recorded: was, answered }) => [place, was, answered])[0], [
      'status',
      '200',
      '403',
    ]);
  });

  test('a server that stands in answers a board from the record, request by request', async () => {
    const found = await recorded();
    await using standIn = new RecordedServer({ exchanges: found, port: 0, host: '127.0.0.1', tls });
    const send = sender(board, await standIn.start());
    assert.deepEqual(await replay(found, send), []);
    assert.equal((await send({ method: 'GET', url: '/elsewhere', headers: {}, body: '' })).status, 404);
  });

  test('answers of a record come in its order, the last one again and again', async () => {
    const [one] = await recorded();
    assert.ok(one !== undefined);
    const two = { ...one, status: 304, answerBody: '' };
    await using standIn = new RecordedServer({ exchanges: [one, two], port: 0, host: '127.0.0.1', tls });
    const send = sender(board, await standIn.start());
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) statuses.push((await send({ ...one })).status);
    assert.deepEqual(statuses, [200, 304, 304]);
  });

  test('a full record ends whole: its lines are the first ones, and the file is never larger than told', async () => {
    await exchanges.start({ lfdis: undefined, maxBytes: 3000 });
    for (let n = 0; n < 10; n++) await get(n % 2 === 0 ? board : other, '/dcap');
    const { state } = exchanges;
    assert.equal(state.at, 'full');
    const found = await recorded();
    assert.ok(found.length > 0 && found.length < 10);
    const size = found.reduce((sum, exchange) => sum + Buffer.byteLength(exchangeLine(exchange)), 0);
    assert.ok(size <= 3000);
    assert.ok(state.at === 'full' && state.bytes === size && state.exchanges === found.length);
    // A new recording takes its place.
    await exchanges.start({ lfdis: undefined, maxBytes: 1_000_000 });
    await get(other, '/tm');
    assert.deepEqual(
      (await recorded()).map(({ url }) => url),
      ['/tm'],
    );
  });

  test('a line that is no exchange is named; one that was cut off is left out', () => {
    const exchange: Exchange = {
      time: testStart,
      lfdi: board.lfdi,
      method: 'GET',
      url: '/dcap',
      headers: {},
      body: '',
      status: 200,
      answerHeaders: {},
      answerBody: '<x:pIN a="1">5</x:pIN>',
    };
    const line = exchangeLine(exchange);
    assert.match(line, />0<\/x:pIN>/);
    assert.equal(parseExchanges(`${line}${line.slice(0, 20)}`).length, 1);
    for (const wrong of ['{}', '7', '{"time":1', JSON.stringify({ ...exchange, headers: { a: 1 } })]) {
      assert.throws(() => parseExchanges(`${line}${wrong}\n`), { code: 'GTX-EXL-002', message: /^Line 2 / });
    }
  });
});
