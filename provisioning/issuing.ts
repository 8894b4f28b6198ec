import { type KeyObject, X509Certificate } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { HashChain } from '#hal/hash-chain.ts';
import { isoTime, type UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import {
  type Authority,
  type AuthorityFolder,
  type AuthorityOptions,
  listAddress,
  numberOf,
} from './authority-folder.ts';
import { openIssuer } from './authority-keys.ts';
import { validFrom } from './authority-making.ts';
import { readCertificate } from './certificate-fields.ts';
import { issueDevice, type Issuer, issueServer } from './certificates.ts';
import { checkOrder, type DeviceOrder } from './device-order.ts';
import { policies } from './object-identifiers.ts';
import { certificatePem } from './pem.ts';
import { notAfterOf, profiles } from './validity.ts';

export interface IssuedCertificate {
  readonly der: Uint8Array;
  /** The certificate and those above it, without the root: what a peer is shown. */
  readonly chainPem: string;
}

/** A REST server's certificate lasts so long; browsers take no more. */
const serverDays = 397;

/** The issuing of an authority's folder: its certificates are in the log before they are given out. */
export class Issuing {
  readonly #folder: () => AuthorityFolder;
  readonly #log: HashChain;
  readonly #options: AuthorityOptions;
  readonly #issuers = new Map<string, Promise<Issuer>>();

  constructor(folder: () => AuthorityFolder, log: HashChain, options: AuthorityOptions) {
    this.#folder = folder;
    this.#log = log;
    this.#options = options;
  }

  /** `replaces` is the number of the certificate whose place it takes. */
  async device(order: DeviceOrder, replaces?: string): Promise<IssuedCertificate> {
    const { serial, publicKey, hosts = [], profile = 'device' } = order;
    checkOrder(order);
    const { issuing } = this.#folder();
    const issuedUnder = [
      policies.genericDevice,
      policies.testCertificate,
      ...profiles[profile].policies,
      ...(order.keyIn === 'file' ? [policies.softwareKey] : []),
    ];
    const notAfter = notAfterOf(profile, wallSeconds(), order.days);
    const request = { serial, publicKey, hosts, policies: issuedUnder, notBefore: validFrom(), notAfter };
    const der = await issueDevice({ ...request, ...this.#addresses(issuing) }, await this.signing(issuing, serial));
    await this.#write(der, { subject: serial, profile, policies: issuedUnder, issuer: issuing }, replaces);
    return { der, chainPem: this.chainPem(der, issuing) };
  }

  /** Of REST, below its own root. */
  async server(publicKey: KeyObject, hosts: readonly string[]): Promise<IssuedCertificate> {
    const { rest, path } = this.#folder();
    if (rest === undefined) {
      throw new GridError('GTX-PRV-024', `The authority in ${path} has no root for REST`, {
        kind: 'input',
        hint: '`gridtokenx provision ca init --rest-root rsa4096` makes one with a new authority.',
      });
    }
    const [serial = ''] = hosts;
    checkOrder({ serial, publicKey, keyIn: 'elsewhere' });
    const notAfter = (wallSeconds() + serverDays * 86_400) as UnixSeconds;
    const request = { publicKey, hosts, notBefore: validFrom(), notAfter, ...this.#addresses(rest.issuing) };
    const der = await issueServer(request, await this.signing(rest.issuing, serial));
    await this.#write(der, { subject: serial, profile: 'server', policies: [], issuer: rest.issuing });
    return { der, chainPem: certificatePem(der) + rest.issuing.certificate.toString() };
  }

  /** A certificate and those above it, without the root. */
  chainPem(der: Uint8Array, issuing: Authority): string {
    return [certificatePem(der), issuing.certificate, this.#folder().policy.certificate].join('');
  }

  /** What signs a certificate for somebody, or the revocation list. */
  async signing(authority: Authority, subject?: string): Promise<Issuer> {
    const issuer = await this.issuer(authority);
    const signs =
      subject === undefined ? { signs: 'revocation list' as const } : { signs: 'certificate' as const, subject };
    await this.#options.onKeyUse?.({ authority: authority.name, ...signs });
    return issuer;
  }

  issuer(authority: Authority): Promise<Issuer> {
    const { name } = authority;
    let issuer = this.#issuers.get(name);
    if (issuer === undefined) {
      issuer = openIssuer(this.#folder(), authority, this.#options);
      this.#issuers.set(name, issuer);
      // A key that was elsewhere may be brought, a passphrase typed again.
      issuer.catch(() => this.#issuers.delete(name));
    }
    return issuer;
  }

  #addresses({ name }: Authority) {
    const { address } = this.#folder();
    const revocation = listAddress(address, name);
    return revocation === undefined ? {} : { revocation: { ...revocation, responder: `${address}/ocsp` } };
  }

  async #write(
    der: Uint8Array,
    issued: { subject: string; profile: string; policies: readonly string[]; issuer: Authority },
    replaces?: string,
  ): Promise<void> {
    const certificate = new X509Certificate(der);
    const { notAfter } = readCertificate(der);
    await this.#log.append({
      what: 'certificate',
      serial: numberOf(certificate),
      lfdi: lfdiOf(der),
      ...issued,
      issuer: numberOf(issued.issuer.certificate),
      notAfter,
      until: isoTime(notAfter as UnixSeconds),
      replaces,
      certificate: Buffer.from(der).toString('base64'),
    });
  }
}
