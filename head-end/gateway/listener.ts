import { createPublicKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Site } from '../access/passkeys.ts';

/** A certificate chain and its key, in PEM. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
}

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** How REST and the page are reached: plain HTTP on loopback, else TLS by the names in the certificate. */
export class Listener {
  /** The address to listen on. */
  readonly address: string;
  readonly tls: ListenerTls | undefined;
  readonly #certificate: X509Certificate | undefined;

  /** Throws GTX-GTW-002 for plain HTTP beyond loopback, GTX-GTW-012 for a certificate or key that cannot be used. */
  constructor(host: string, tls: ListenerTls | undefined) {
    this.address = host === 'localhost' ? '127.0.0.1' : host;
    this.tls = tls;
    if (tls === undefined && !this.isLoopback) {
      throw new GridError('GTX-GTW-002', `REST and the dashboard may not listen on ${host}: they speak plain HTTP`, {
        kind: 'input',
        hint: 'Give --tls-cert and --tls-key, or use 127.0.0.1 and reach it through an SSH tunnel.',
      });
    }
    this.#certificate = tls && certificateOf(tls);
  }

  get isLoopback(): boolean {
    return this.address === '127.0.0.1' || this.address === '::1';
  }

  get scheme(): 'http' | 'https' {
    return this.tls === undefined ? 'http' : 'https';
  }

  /**
   * Where a request was sent to, by its Host header (RFC 9110 §7.2); undefined for a name that is none of ours. Plain
   * HTTP answers to the loopback names, TLS to those and the ones in its certificate.
   */
  site(header: string | undefined): Site | undefined {
    const [, host = '', port = ''] = /^([^:@/?#]+|\[[^\]]+\])(:\d{1,5})?$/.exec(header?.toLowerCase() ?? '') ?? [];
    if (!loopbackHosts.has(host) && !this.#isCertified(host)) return undefined;
    return { origin: `${this.scheme}://${host}${port}`, host, port };
  }

  /** How a person opens the page: on loopback by the name, as passkeys take no address. */
  origin(port: number): string {
    const name = /DNS:([^,*\s]+)/.exec(this.#certificate?.subjectAltName ?? '')?.[1];
    return `${this.scheme}://${name ?? (this.address === '127.0.0.1' ? 'localhost' : bracketed(this.address))}:${port}`;
  }

  #isCertified(host: string): boolean {
    if (this.#certificate === undefined || host === '') return false;
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    const found = isIP(bare) > 0 ? this.#certificate.checkIP(bare) : this.#certificate.checkHost(bare);
    return found !== undefined;
  }
}

const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address);

function certificateOf({ cert, key }: ListenerTls): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw unusable(`the certificate cannot be read: ${reasonOf(error)}`, error);
  }
  let isIts: boolean;
  try {
    isIts = certificate.publicKey.equals(createPublicKey(key));
  } catch (error) {
    throw unusable(`the key cannot be read: ${reasonOf(error)}`, error);
  }
  if (!isIts) throw unusable('the key does not belong to the certificate');
  return certificate;
}

const unusable = (why: string, cause?: unknown): GridError =>
  new GridError('GTX-GTW-012', `REST cannot use its TLS files: ${why}`, {
    kind: 'input',
    hint: 'PEM files: --tls-cert the certificate and those above it, --tls-key its key without a passphrase.',
    ...(cause !== undefined && { cause }),
  });
