import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { connect } from 'node:tls';
import { wallSeconds } from '#hal/wall.ts';
import { Connection } from '#edge/client/connection.ts';
import { resourceRules } from '#head-end/server/resource-rules.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { wadlMethods } from '#ieee2030_5/wadl-table.ts';
import { lfdiBytes, lfdiOf, mridOf } from '#ieee2030_5/identity.ts';
import { twinOf } from '#provisioning/certificate-twin.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { certificatePem, certificatesOf } from '#provisioning/pem.ts';
import { readRevocationList } from '#provisioning/revocation-list.ts';
import type { Device, Registry } from '#head-end/registry/devices.ts';
import { now, TlsStand } from './tls-stand.ts';

/** What an operator, or time, does to a device, and the code by which its certificate is refused from then on. */
const fates: Readonly<Record<string, (registry: Registry, device: Device) => Promise<unknown>>> = {
  revoked: (registry, { lfdi }) => registry.revoke(lfdi, { at: wallSeconds(), reason: 'keyCompromise' }),
  quarantined: (registry, { id }) => registry.quarantine(id, { since: now, reason: 'drill' }),
  retired: (registry, { meterId, lfdi }) =>
    registry.register({ meterId, lfdi: lfdi.replace(/^./, (digit) => (digit === '0' ? '1' : '0')), at: now }),
  removed: (registry, { id }) => registry.remove(id, { at: now, barred: true }),
};

suite('who is let in at all', { concurrency: false }, () => {
  let stand: TlsStand;
  before(async () => {
    stand = await TlsStand.open();
    // The worst case: whoever is let in may register himself.
    await stand.allowRegistration();
  });
  after(() => stand[Symbol.asyncDispose]());

  const askAs = async (identity: DeviceIdentity): Promise<unknown> => {
    await using connection = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    return await connection.get('/dcap', 'DeviceCapability');
  };
  /** The same certificate with the other one of its two signatures. */
  const twin = (identity: DeviceIdentity): DeviceIdentity => {
    const [own, ...above] = certificatesOf(identity.certificatePem).map(({ raw }) => raw);
    const other = twinOf(own!);
    return { ...identity, lfdi: lfdiOf(other), certificatePem: [other, ...above].map(certificatePem).join('') };
  };

  for (const [fate, befall] of Object.entries(fates)) {
    test(`a device that is ${fate} is refused in the handshake, however its certificate is written`, async () => {
      const identity = await stand.device(fate);
      await askAs(identity);
      await befall(stand.registry, stand.registry.byMeterId(fate)!);
      const handshakes = stand.server.handshakes;
      for (const shown of [identity, twin(identity)]) {
        const from = stand.log.length;
        await assert.rejects(askAs(shown), { code: 'GTX-SEP-001' });
        assert.deepEqual(
          stand.log.slice(from).map(({ who, code }) => [who, code]),
          [[shown.lfdi, fate]],
        );
      }
      assert.equal(stand.server.handshakes, handshakes);
      // What the head-end writes into its security log.
      assert.deepEqual(stand.refused.slice(-2), [
        [identity.lfdi, fate, '127.0.0.1'],
        [twin(identity).lfdi, fate, '127.0.0.1'],
      ]);
    });
  }

  test('a certificate that its authority has revoked is refused from then on, also where it is connected', async () => {
    const { authority, authorities, server } = stand;
    const [identity, other] = [await stand.device('LISTED'), await stand.device('UNLISTED')];
    await using connection = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    await using others = new Connection(`https://127.0.0.1:${stand.port}`, other);
    for (const one of [connection, others]) await one.get('/dcap', 'DeviceCapability');
    await authority.revoke({ lfdi: identity.lfdi }, 'keyCompromise');
    const lists = await Promise.all(
      authority
        .listNames()
        .map(async (name) =>
          readRevocationList(await authority.revocationList(name), authority.authority(name).certificate.raw),
        ),
    );
    authorities.useRevocationLists(lists);
    assert.equal(server.recheck(), 1);
    await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
    for (const shown of [identity, twin(identity)]) {
      await assert.rejects(askAs(shown), { code: 'GTX-SEP-001' });
      const { who, code } = stand.log.at(-1)!;
      assert.deepEqual([who, code], [shown.lfdi, 'revoked']);
    }
    await others.get('/dcap', 'DeviceCapability');
    assert.equal(others.handshakes, 1);
  });

  test('a device in good standing is known by its certificate as it was issued alone', async () => {
    const identity = await stand.device('GOOD');
    await askAs(identity);
    await assert.rejects(askAs(twin(identity)), { code: 'GTX-SEP-001' });
    assert.equal(stand.log.at(-1)?.code, 'altered');
    await askAs(identity);
  });

  /** A device whose next certificate was issued, and has not been seen yet; with its key of the next. */
  const renewed = async (serial: string): Promise<DeviceIdentity> => {
    const { id, lfdi: replaces } = stand.registry.byLfdi((await stand.device(serial)).lfdi)!;
    const own = `${serial}-next`;
    const next = await loadOrCreateIdentity(join(stand.folder, own), { ca: stand.authority, serial: own });
    const certificate = { number: own, notAfter: now };
    await stand.registry.offer(id, { lfdi: next.lfdi, replaces, certificate }, now);
    return next;
  };

  test('the first request by a new certificate waits until that is in force, also one with a body', async () => {
    await using server = await stand.another({
      onArrival: async (lfdi) => void (await stand.registry.activate(lfdi, now)),
    });
    const identity = await renewed('waits');
    await using connection = new Connection(`https://127.0.0.1:${server.port}`, identity);
    const posted = await connection.post('/mup', 'MirrorUsagePoint', {
      mRID: mridOf('waits'),
      deviceLFDI: lfdiBytes(identity.lfdi),
      roleFlags: Uint8Array.of(0, 3),
      serviceCategoryKind: 0,
      status: 1,
    });
    assert.equal(posted.status, 201);
    assert.equal(stand.registry.byMeterId('waits')?.lfdi, identity.lfdi);
  });

  test('where a new certificate cannot be put in force its connection ends, and it comes again', async () => {
    let fails = 1;
    await using server = await stand.another({
      onArrival: async (lfdi) => {
        if (fails-- > 0) throw new Error('the disk is full');
        await stand.registry.activate(lfdi, now);
      },
    });
    const identity = await renewed('again');
    await using connection = new Connection(`https://127.0.0.1:${server.port}`, identity);
    await assert.rejects(connection.get('/edev', 'EndDeviceList'), { code: 'GTX-SEP-001' });
    assert.equal((await connection.get('/edev', 'EndDeviceList')).all, 1);
  });

  test('without a certificate no method of any resource has an answer', async () => {
    const { key, cert, ...tls } = clientTls({ key: 'none', cert: 'none', ca: stand.authority.rootPem });
    assert.deepEqual([key, cert], ['none', 'none']);
    const requests = [...resourceRules.values()].flatMap(({ path }) =>
      wadlMethods.map((method) => `${method} ${path.replaceAll(/\{id\d\}/g, '1')} HTTP/1.1\r\nhost: server\r\n\r\n`),
    );
    assert.ok(requests.length > 300);
    const socket = connect({ host: '127.0.0.1', port: stand.port, ...tls });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const answers: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answers.push(chunk));
    // The client does not see the end of the handshake when it is hung up on before.
    socket.on('error', () => undefined);
    // With the last message of the handshake, before the server knows that there is no certificate.
    socket.write(requests.join(''));
    await closed;
    assert.equal(Buffer.concat(answers).toString(), '');
    assert.equal(stand.log.at(-1)?.code, 'no-certificate');
  });
});
