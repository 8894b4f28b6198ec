import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { createLog } from '#hal/log.ts';
import { deadline, wallSeconds } from '#hal/wall.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { certificatePem } from '#provisioning/pem.ts';
import { badExtensions, type TestCertificate, testCertificate, type TestRequest } from '#provisioning/test-chain.ts';
import { idOf, KnownAuthorities } from './known-authorities.ts';
import { SepServer, type SepServerOptions } from './sep-server.ts';
import { TestServer } from './test-server.ts';

const issue = (request: TestRequest, issuer?: TestCertificate): Promise<TestCertificate> => {
  const now = wallSeconds();
  return testCertificate({ notBefore: now - 3600, notAfter: now + 3600, ...request }, issuer);
};

const pemOf = (chain: readonly TestCertificate[]): string =>
  chain.map(({ certificate }) => certificatePem(certificate)).join('');

const answerMs = 5000;

suite('devices of known authorities, over TLS', { concurrency: false }, () => {
  const resources = new AsyncDisposableStack();
  const warnings: { readonly who?: string; readonly code?: string }[] = [];
  let root: TestCertificate;
  let authorities: KnownAuthorities;
  let server: SepServer;
  let port: number;
  let head: TestServer;
  let serving: Pick<SepServerOptions, 'host' | 'tls' | 'log'>;

  before(async () => {
    head = resources.use(await TestServer.start());
    root = await issue({ name: 'root', pathLength: 2 });
    const own = await issue({ serial: 'head-end' }, root);
    const tls = { ca: pemOf([root]), cert: pemOf([own]), key: own.keyPem };
    authorities = new KnownAuthorities(tls, head.sep.records);
    const { registry, sep } = head;
    const log = Object.assign(createLog('test', 'silent'), { warn: (facts: object) => warnings.push(facts) });
    const { engine } = sep;
    serving = { host: '127.0.0.1', tls, log };
    const options = { ...serving, port: 0, authorities, registry, engine };
    server = resources.use(new SepServer({ ...options, onUnavailable: () => undefined }));
    port = await server.start();
  });
  after(() => resources.disposeAsync());

  /** A registered device with a chain as it shows it: its own certificate first. */
  async function deviceBelow(...above: readonly TestCertificate[]) {
    const own = await issue({}, above[0]);
    const lfdi = lfdiOf(own.certificate);
    await head.registry.register({ meterId: lfdi, lfdi, at: head.clock.now() });
    return { own, shown: [own, ...above] };
  }
  type Device = Awaited<ReturnType<typeof deviceBelow>>;

  /** The status of GET /dcap, or that there is no answer; with the session that may be resumed. */
  async function ask({ own, shown }: Device, session?: Buffer) {
    const tls = clientTls({ ca: pemOf([root]), cert: pemOf(shown), key: own.keyPem });
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ...tls, ...(session !== undefined && { session }) });
    using _limit = deadline(answerMs, () => socket.destroy(new Error('no answer')));
    let next: Buffer | undefined;
    let isResumed: boolean | undefined;
    socket.on('secureConnect', () => (isResumed = socket.isSessionReused()));
    let answer = '';
    socket.on('session', (one) => (next = one));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    // A connection that is cut may end with a reset.
    socket.on('error', () => undefined);
    // It goes with the last flight of a handshake that is resumed.
    socket.write('GET /dcap HTTP/1.1\r\nHost: server\r\nAccept: application/sep+xml\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    return { status: /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none', isResumed, next };
  }

  const add = ({ certificate }: TestCertificate) => authorities.add(new X509Certificate(certificate));
  const remove = ({ certificate }: TestCertificate) => authorities.remove(idOf(new X509Certificate(certificate)));

  test('a chain that is good but of an authority unknown is refused until that one is added', async () => {
    const between = await issue({ name: 'between', pathLength: 0 }, root);
    const device = await deviceBelow(between);
    const { handshakes } = server;
    assert.equal((await ask(device)).status, 'none');
    assert.equal(server.handshakes, handshakes);
    assert.equal((await add(between)).ok, true);
    assert.equal((await ask(device)).status, '200');
    assert.equal(server.handshakes, handshakes + 1);
    assert.equal((await ask(await deviceBelow(root))).status, '200');
  });

  test('devices with keys in files are refused where the head-end is told to, and no others', async () => {
    const { softwareKey, genericDevice } = policies;
    const strict = new KnownAuthorities({ ...serving.tls, refusedPolicies: [softwareKey] }, head.sep.records);
    const [inFile, inTpm] = [
      await issue({ policies: [genericDevice, softwareKey] }, root),
      await issue({ policies: [genericDevice] }, root),
    ];
    const answers = [strict, authorities].map((known) =>
      [inFile, inTpm].map(({ certificate }) => known.check(certificate)).map((one) => (one.ok ? 'in' : one.reason)),
    );
    assert.deepEqual(answers, [
      ['policy-refused', 'in'],
      ['in', 'in'],
    ]);
  });

  test('a session is not resumed past the removal of its authority, with a request in its handshake neither', async () => {
    const between = await issue({ name: 'for a time', pathLength: 0 }, root);
    await add(between);
    const device = await deviceBelow(between);
    const first = await ask(device);
    assert.deepEqual([first.status, first.isResumed], ['200', false]);
    const second = await ask(device, first.next);
    assert.deepEqual([second.status, second.isResumed], ['200', true]);
    await remove(between);
    const third = await ask(device, first.next);
    assert.deepEqual([third.status, third.isResumed], ['none', true]);
  });

  test('who is connected is looked at again by himself, and his connection ends with his certificate', async () => {
    const device = await deviceBelow(root);
    const certificate = device.own.certificate;
    let hasEnded = false;
    const { registry, sep } = head;
    const options = { ...serving, port: 0, recheckMs: 10, registry, engine: sep.engine };
    const check: KnownAuthorities['check'] = (shown) =>
      hasEnded && Buffer.compare(shown, certificate) === 0
        ? { ok: false, reason: 'expired', detail: 'it is over' }
        : authorities.check(shown);
    await using other = new SepServer({ ...options, authorities: { check }, onUnavailable: () => undefined });
    const tls = clientTls({ ca: pemOf([root]), cert: pemOf(device.shown), key: device.own.keyPem });
    const socket = connect({ host: '127.0.0.1', port: await other.start(), ...tls });
    using _limit = deadline(answerMs, () => socket.destroy(new Error('it never ended')));
    const closed = once(socket, 'close');
    socket.write('GET /dcap HTTP/1.1\r\nHost: server\r\nAccept: application/sep+xml\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200/);
    hasEnded = true;
    await closed;
    assert.equal(socket.errored, null);
  });

  test('below an authority with name constraints or policy mappings nobody is let in, though TLS would', async () => {
    for (const what of ['nameConstraints', 'policyMappings'] as const) {
      const between = await issue({ name: 'bad', pathLength: 0, more: [badExtensions[what]] }, root);
      assert.equal((await add(between)).ok, false, what);
      assert.equal((await ask(await deviceBelow(between))).status, 'none', what);
    }
  });

  test('who is refused is told to the log once, and again when the times have grown tenfold', async () => {
    const device = await deviceBelow(await issue({ name: 'stranger', pathLength: 0 }, root));
    const who = lfdiOf(device.own.certificate);
    for (let i = 0; i < 9; i++) await ask(device);
    assert.deepEqual(
      warnings.filter((warning) => warning.who === who).map(({ code }) => code),
      ['unknown-issuer'],
    );
    await ask(device);
    assert.equal(warnings.filter((warning) => warning.who === who).length, 2);
  });
});
