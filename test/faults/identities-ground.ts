import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { HashChain } from '#hal/hash-chain.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { Database } from '#head-end/database/database.ts';
import { HeadEnd } from '#head-end/head-end.ts';
import { type Lfdi, lfdiOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { numberOf } from '#provisioning/authority-folder.ts';
import { type CertificateAuthority, type IssuedCertificate, logFolder } from '#provisioning/ca.ts';
import { issueDevice } from '#provisioning/certificates.ts';
import { type DeviceIdentity, loadOrCreateIdentity, writeIdentity } from '#provisioning/identity-files.ts';
import { issuanceLog } from '#provisioning/issuances.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { certificatePem, privateKeyPem } from '#provisioning/pem.ts';

export interface OldCertificate {
  readonly serial: string;
  readonly publicKey: KeyObject;
  /** Until its end. */
  readonly days: number;
  readonly keyIn: 'file' | 'tpm';
}

/** An operational certificate of 90 days, as the authority issued it then: it is in its log. */
export async function issuedLongAgo(
  authority: CertificateAuthority,
  { serial, publicKey, days, keyIn }: OldCertificate,
): Promise<IssuedCertificate> {
  const issuer = await authority.issuingAuthority();
  const issuedUnder = [
    policies.genericDevice,
    policies.operational,
    ...(keyIn === 'file' ? [policies.softwareKey] : []),
  ];
  const notAfter = UnixSeconds(wallSeconds() + days * 86_400);
  const notBefore = UnixSeconds(notAfter - 90 * 86_400);
  const der = await issueDevice({ serial, publicKey, hosts: [], policies: issuedUnder, notBefore, notAfter }, issuer);
  await new HashChain(logFolder(authority.folder), issuanceLog).append({
    what: 'certificate',
    serial: numberOf(new X509Certificate(der)),
    lfdi: lfdiOf(der),
    subject: serial,
    profile: 'operational',
    policies: issuedUnder,
    issuer: numberOf(new X509Certificate(issuer.certificate)),
    notAfter,
    certificate: Buffer.from(der).toString('base64'),
  });
  const [policy, issuing] = authority.intermediates.map(certificatePem);
  return { der, chainPem: `${certificatePem(der)}${issuing}${policy}` };
}

/** An operational identity with its key in a file, written to a folder. */
export async function operationalInFiles(
  authority: CertificateAuthority,
  { serial, days, folder }: { readonly serial: string; readonly days: number; readonly folder: string },
): Promise<DeviceIdentity> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = await issuedLongAgo(authority, {
    serial,
    publicKey: createPublicKey(privateKey),
    days,
    keyIn: 'file',
  });
  const caPem = authority.rootPem;
  await writeIdentity(folder, { issued, caPem, privateKey });
  const lfdi = lfdiOf(issued.der);
  return { certificatePem: issued.chainPem, keyPem: privateKeyPem(privateKey), caPem, lfdi, sfdi: sfdiOf(lfdi) };
}

export interface GroundOptions {
  readonly folder: string;
  readonly authority: CertificateAuthority;
  readonly database: Database;
  /** By meter id. */
  readonly devices: ReadonlyMap<string, Lfdi>;
  /** The TPM that has the authority's issuing key, as a person names it. */
  readonly tpm?: string;
}

/** A head-end that issues and renews by an authority, begun with the test's own identities. */
export async function openRenewingHeadEnd(
  resources: AsyncDisposableStack,
  { folder, authority, database, devices, tpm }: GroundOptions,
) {
  await loadOrCreateIdentity(join(folder, 'head-end'), { ca: authority, serial: 'head-end', hosts: ['127.0.0.1'] });
  const { host = '', port, user, password, database: name } = database.connection;
  const headEnd = resources.use(
    new HeadEnd((error) => {
      throw error;
    }),
  );
  const opened = await headEnd.open({
    dataFolder: join(folder, 'data', 'head-end'),
    databaseUrl: `postgres://${user}:${encodeURIComponent(password ?? '')}@localhost:${port}/${name}?host=${encodeURIComponent(host)}`,
    sepPort: 0,
    httpPort: 0,
    identityFolder: join(folder, 'head-end'),
    authority: { folder: authority.folder, revocationPort: 0, ...(tpm !== undefined && { tpm }) },
    devices: [...devices].map(([meterId, lfdi]) => ({
      meterId,
      name: meterId,
      building: 'academic',
      zone: 'campus',
      ratedW: 10_000,
      storageWh: 0,
      lfdi,
    })),
    zone: 'campus',
    site: { name: 'identities', timeZone: 'UTC' },
    speed: 'max',
    logLevel: 'silent',
  });
  return {
    headEnd,
    origin: `https://127.0.0.1:${opened.sepPort}`,
    revocations: `http://127.0.0.1:${opened.revocationPort}`,
  };
}
