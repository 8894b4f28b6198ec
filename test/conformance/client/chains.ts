import 'reflect-metadata';
import { ExtendedKeyUsageExtension, Extension, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { authorityExtensions, type Certified, chainPem, issue, keyPem, ownExtensions } from '../certificates.ts';
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

/** The test policy of IEEE 2030.5-2018 §8.11. */
const testPolicy = '1.3.6.1.4.1.40732.2.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

/** The object identifier 1.3.6.1.4.1.40732.2.`last`. */
const oid = (last: number): number[] => [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xbe, 0x1c, 0x02, last];

/** SEQUENCE OF SEQUENCE { 1.3.6.1.4.1.40732.2.1, 1.3.6.1.4.1.40732.2.3 }. */
function mapping(): Uint8Array<ArrayBuffer> {
  const pair = [...oid(1), ...oid(3)];
  return Uint8Array.from([0x30, pair.length + 2, 0x30, pair.length, ...pair]);
}

/** PolicyMappings (RFC 5280 §4.2.1.5): the test policy becomes the commercial one. */
const policyMapping = new Extension('2.5.29.33', true, mapping());

const loopback = new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }], true);

/** A server's identity behind a chain of that kind, and the root that a client is given. */
export async function chainOf(kind: ChainKind): Promise<PemIdentity> {
  const root = await issue('CN=Test SERCA', authorityExtensions());
  const above = await authoritiesOf(kind, root);
  const [issuer = root] = above;
  const extensions = [...ownExtensions(testPolicy), loopback];
  const own = await (kind === 'self-signed'
    ? issue('CN=Self', extensions)
    : issue('', extensions, kind === 'MICA of another name' ? { ...issuer, name: 'CN=No such MICA' } : issuer));
  return { certificatePem: chainPem([own, ...above]), keyPem: keyPem(own), caPem: root.certificate.toString('pem') };
}

const mica = (issuer: Certified, ...extra: readonly Extension[]): Promise<Certified> =>
  issue('CN=Test MICA', [...authorityExtensions(), ...extra], issuer);

/** The authorities between the server and the root, the nearest first. */
async function authoritiesOf(kind: ChainKind, root: Certified): Promise<Certified[]> {
  if (kind === 'length 2' || kind === 'self-signed') return [];
  if (kind === 'length 4') {
    const mca = await issue('CN=Test MCA', authorityExtensions(), root);
    return [await mica(mca), mca];
  }
  const clientsOnly = new ExtendedKeyUsageExtension([clientAuth], true);
  if (kind === 'MICA for clients only') return [await mica(root, clientsOnly)];
  if (kind === 'MICA with a policy mapping') return [await mica(root, policyMapping)];
  return [await mica(root)];
}
