import { constants } from 'node:crypto';
import type { SecureContextOptions, SecureVersion, TlsOptions } from 'node:tls';

/** PEM texts of one end of the wire. */
export interface TlsIdentity {
  readonly key: string;
  /** The own certificate, followed by its intermediates if it has any. */
  readonly cert: string;
  /** The root certificates that the other end must chain to. */
  readonly ca: string | readonly string[];
}

/**
 * IEEE 2030.5-2018 §6.7: TLS 1.2 with ECDHE-ECDSA-AES128-CCM8 on P-256, and AES128-GCM for peers without CCM.
 * OpenSSL 3 counts CCM8 (a tag of 64 bits) below its security level 1, so the level is 0 here; curve, signature
 * algorithm, version and the cipher list narrow what that would let in.
 */
const suite = {
  ciphers: 'ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0',
  ecdhCurve: 'prime256v1',
  sigalgs: 'ecdsa_secp256r1_sha256',
  minVersion: 'TLSv1.2' as SecureVersion,
  maxVersion: 'TLSv1.2' as SecureVersion,
} as const satisfies SecureContextOptions;

const authorities = (ca: TlsIdentity['ca']): string[] => (typeof ca === 'string' ? [ca] : [...ca]);

/** Options of the 2030.5 server: a client without a certificate of `ca` is refused in the handshake. */
export const serverTls = (identity: TlsIdentity): TlsOptions => ({
  ...suite,
  key: identity.key,
  cert: identity.cert,
  ca: authorities(identity.ca),
  requestCert: true,
  rejectUnauthorized: true,
  honorCipherOrder: true,
  // Nobody needs to negotiate anew, and it costs the server more than the client; who wants to is told no.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
});

/** The options of `tls.connect`, an `https.Agent` or undici's connector that a 2030.5 client needs. */
export interface ClientTls extends SecureContextOptions {
  readonly rejectUnauthorized: true;
  readonly checkServerIdentity?: () => undefined;
}

/**
 * Options of a 2030.5 client. The server must chain to `ca`. 2030.5 certificates carry no host name (their subject
 * is empty and their subjectAltName a HardwareModuleName), so `hostname` is checked only where it is asked for.
 */
export const clientTls = (identity: TlsIdentity, options: { readonly hostname?: boolean } = {}): ClientTls => ({
  ...suite,
  key: identity.key,
  cert: identity.cert,
  ca: authorities(identity.ca),
  rejectUnauthorized: true,
  ...(options.hostname === true ? {} : { checkServerIdentity: () => undefined }),
});
