// Must come first: @peculiar/x509 registers its types through it.
import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { PemIdentity } from './raw-server.ts';

/** Certificate chains of a server, good ones and such as a client has to refuse (SunSpec CSIP v1.2, COMM-004). */
export type ChainKind =
  | 'length 2'
  | 'length 3'
  | 'length 4'
  | 'MICA for clients only'
  | 'MICA of another name'
  | 'MICA with a policy mapping'
  | 'self-signed';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const { KeyUsageFlags: usage } = x509;
const never = new Date('9999-12-31T23:59:59Z');
const before = new Date('2020-01-01T00:00:00Z');
/** anyPolicy, and the test policy of IEEE 2030.5-2018 §8.11. */
const policies = ['2.5.29.32.0', '1.3.6.1.4.1.40732.2.1'] as const;
const clientAuth = '1.3.6.1.5.5.7.3.2';

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
interface Authority extends Keys {
  readonly certificate: x509.X509Certificate;
  /** The name that certificates of it say they are issued by. */
  readonly name: string;
}

const newKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });

async function issue(
  subject: string,
  keys: Keys,
  issuer: Authority | undefined,
  extensions: readonly x509.Extension[],
): Promise<x509.X509Certificate> {
  return await x509.X509CertificateGenerator.create(
    {
      serialNumber: randomBytes(8).toString('hex').replace(/^./, '1'),
      subject,
      issuer: issuer?.name ?? subject,
      notBefore: before,
      notAfter: never,
      publicKey: await webcrypto.subtle.importKey(
        'spki',
        Uint8Array.from(keys.publicKey.export({ type: 'spki', format: 'der' })),
        algorithm,
        true,
        ['verify'],
      ),
      signingKey: (issuer ?? keys).privateKey.toCryptoKey(algorithm, false, ['sign']),
      signingAlgorithm: algorithm,
      extensions: [...extensions],
    },
    webcrypto,
  );
}

async function authority(name: string, issuer?: Authority, extra: readonly x509.Extension[] = []): Promise<Authority> {
  const keys = newKeys();
  const certificate = await issue(name, keys, issuer, [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(usage.keyCertSign | usage.cRLSign, true),
    new x509.CertificatePolicyExtension([policies[0]], true),
    ...extra,
  ]);
  return { ...keys, certificate, name };
}

/** The object identifier 1.3.6.1.4.1.40732.2.`last`. */
const oid = (last: number): number[] => [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xbe, 0x1c, 0x02, last];

/** SEQUENCE OF SEQUENCE { 1.3.6.1.4.1.40732.2.1, 1.3.6.1.4.1.40732.2.3 }. */
function mapping(): Uint8Array<ArrayBuffer> {
  const pair = [...oid(1), ...oid(3)];
  return Uint8Array.from([0x30, pair.length + 2, 0x30, pair.length, ...pair]);
}

/** PolicyMappings (RFC 5280 §4.2.1.5): the test policy becomes the commercial one. */
const policyMapping = new x509.Extension('2.5.29.33', true, mapping());

const loopback = new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }], true);

/** A server's identity behind a chain of that kind, and the root that a client is given. */
export async function chainOf(kind: ChainKind): Promise<PemIdentity> {
  const leaf = newKeys();
  const leafExtensions = [
    new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyAgreement, true),
    loopback,
    new x509.CertificatePolicyExtension([policies[1]], true),
  ];
  const root = await authority('CN=Test SERCA');
  const above = await authoritiesOf(kind, root);
  const issuer = kind === 'self-signed' ? undefined : (above[0] ?? root);
  const named =
    kind === 'MICA of another name' && issuer !== undefined ? { ...issuer, name: 'CN=No such MICA' } : issuer;
  const certificate = await issue(kind === 'self-signed' ? 'CN=Self' : '', leaf, named, leafExtensions);
  return {
    certificatePem: [certificate, ...above.map((one) => one.certificate)]
      .map((one) => `${one.toString('pem')}\n`)
      .join(''),
    keyPem: String(leaf.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    caPem: root.certificate.toString('pem'),
  };
}

/** The authorities between the server and the root, the nearest first. */
async function authoritiesOf(kind: ChainKind, root: Authority): Promise<Authority[]> {
  const mica = (issuer: Authority, ...extra: readonly x509.Extension[]) => authority('CN=Test MICA', issuer, extra);
  if (kind === 'length 2' || kind === 'self-signed') return [];
  if (kind === 'length 4') {
    const mca = await authority('CN=Test MCA', root);
    return [await mica(mca), mca];
  }
  const clientsOnly = new x509.ExtendedKeyUsageExtension([clientAuth], true);
  if (kind === 'MICA for clients only') return [await mica(root, clientsOnly)];
  if (kind === 'MICA with a policy mapping') return [await mica(root, policyMapping)];
  return [await mica(root)];
}
