import { type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { GridError } from '#hal/errors.ts';
import { HashChain } from '#hal/hash-chain.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import {
  type Authority,
  type AuthorityFolder,
  type AuthorityOptions,
  hasAuthority,
  isIssuedBy,
  type NewAuthorityOptions,
  numberOf,
  readAuthority,
  readReplaced,
} from './authority-folder.ts';
import { makeAuthority, makeNextIssuing } from './authority-making.ts';
import type { Issuer } from './certificates.ts';
import { type DeviceOrder, notRenewable, orderOf } from './device-order.ts';
import { type Issuance, issuanceLog, Issuances } from './issuances.ts';
import { type IssuedCertificate, Issuing } from './issuing.ts';
import type { RevocationList, RevocationReason } from './revocation-list.ts';
import { currentList, listByLog, type ListName } from './revocation-store.ts';
import { type KnownBy, toRevoke, unknownCertificate } from './revoking.ts';

export type { IssuedCertificate } from './issuing.ts';
export type { DeviceOrder } from './device-order.ts';
export { publicKeyOfRequest } from './request-key.ts';

/**
 * The certificate authority of one campus: root → policy → issuing, in one folder (0700) of PEM files. In daily use
 * only the issuing key is read; the others may lie offline. Everything that it issues and revokes is in its log
 * (`log/`) before it is given out.
 */
export class CertificateAuthority {
  #folder: AuthorityFolder;
  readonly #options: AuthorityOptions;
  readonly #log: HashChain;
  readonly #issuances: Issuances;
  readonly #issuing: Issuing;

  private constructor(folder: AuthorityFolder, options: AuthorityOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#log = new HashChain(logFolder(folder.path), issuanceLog);
    this.#issuances = new Issuances(this.#log.reader());
    this.#issuing = new Issuing(() => this.#folder, this.#log, options);
  }

  /** Opens the authority of a folder. Throws GTX-PRV-001 where there is none, GTX-PRV-002 where it is damaged. */
  static async open(folder: string, options: AuthorityOptions = {}): Promise<CertificateAuthority> {
    return new CertificateAuthority(await readAuthority(folder), options);
  }

  /** Makes a new authority. Throws GTX-PRV-003 where there is one already, GTX-HAL-020 where it cannot be written. */
  static async create(folder: string, options: NewAuthorityOptions = {}): Promise<CertificateAuthority> {
    if (await hasAuthority(folder)) {
      throw new GridError('GTX-PRV-003', `${folder} holds a certificate authority already`, {
        kind: 'input',
        hint: 'Choose another folder; nothing was changed.',
      });
    }
    await makeAuthority(folder, options);
    return CertificateAuthority.open(folder, options);
  }

  /** The authority of a folder, made there at the first call. Whole or absent after a crash, never half. */
  static async openOrCreate(folder: string, options: NewAuthorityOptions = {}): Promise<CertificateAuthority> {
    return (await hasAuthority(folder))
      ? CertificateAuthority.open(folder, options)
      : CertificateAuthority.create(folder, options);
  }

  /**
   * Goes over to the issuing authority by which another program has replaced this one's since (`replaceIssuing`);
   * answers whether there is one. Rejects as `open` does, and then stays as it was.
   */
  async follow(): Promise<boolean> {
    const replaced = await readReplaced(this.#folder);
    if (replaced !== undefined) this.#folder = replaced;
    return replaced !== undefined;
  }

  get folder(): string {
    return this.#folder.path;
  }

  /** The trust anchor: what both ends are given to check each other with. */
  get rootPem(): string {
    return this.#folder.root.certificate.toString();
  }

  /** The trust anchor of the REST side, where it has one. */
  get restRootPem(): string | undefined {
    return this.#folder.rest?.root.certificate.toString();
  }

  /** The policy authority, the issuing one and those that issued before it, as DER. */
  get intermediates(): Uint8Array[] {
    const { policy, issuing, retired } = this.#folder;
    return [policy, issuing, ...retired].map(({ certificate }) => certificate.raw);
  }

  /** Whether the issuing authority of today issued a certificate. */
  issued(certificate: X509Certificate): boolean {
    return isIssuedBy(certificate, this.#folder.issuing.certificate);
  }

  /** Whether an issuing authority that has been replaced issued a certificate. */
  issuedBefore(certificate: X509Certificate): boolean {
    return this.#folder.retired.some((one) => isIssuedBy(certificate, one.certificate));
  }

  /**
   * Issues a device's or a 2030.5 server's certificate. Throws GTX-PRV-004 for a key that is not on P-256, or a serial
   * number or number of days out of range.
   */
  issueDevice(order: DeviceOrder): Promise<IssuedCertificate> {
    return this.#issuing.device(order);
  }

  /**
   * Issues a REST server's certificate below the REST root, for 397 days. Throws GTX-PRV-024 where the authority has
   * none, GTX-PRV-004 for a key that is not on P-256.
   */
  issueServer(publicKey: KeyObject, hosts: readonly string[]): Promise<IssuedCertificate> {
    return this.#issuing.server(publicKey, hosts);
  }

  /**
   * A new certificate for the same device, key, hosts and profile; the old one stays good until it expires or is
   * revoked. Throws GTX-PRV-025 for a certificate that is not this authority's or is revoked.
   */
  async renew(certificate: Uint8Array, days?: number): Promise<IssuedCertificate> {
    const old = new X509Certificate(certificate);
    if (!this.issued(old) && !this.issuedBefore(old)) throw notRenewable('it was issued by another authority');
    await this.#issuances.refresh();
    const number = numberOf(old);
    if (this.#issuances.revocationOf(number) !== undefined) throw notRenewable('it is revoked');
    return await this.#issuing.device({ ...orderOf(certificate), ...(days !== undefined && { days }) }, number);
  }

  /**
   * Revokes a certificate that it has issued, known by its LFDI or itself (then also one from before there was a log),
   * and, but for `superseded`, all others for the same key. Gives the name of the list that it comes to be on. Throws
   * GTX-PRV-023 for one that it does not know, GTX-PRV-026 for one that is revoked.
   */
  async revoke(which: KnownBy, reason: RevocationReason): Promise<ListName> {
    await this.#issuances.refresh();
    const revoked = toRevoke(which, reason, this.#issuances, this.#authorities());
    const at = wallSeconds();
    await Promise.all(
      revoked.map(({ number, lfdi, issuer }) =>
        this.#log.append({ what: 'revocation', serial: number, lfdi, issuer, reason, at }),
      ),
    );
    const [{ issuer }] = revoked;
    return this.#authorities().find(({ certificate }) => numberOf(certificate) === issuer)!.name;
  }

  /** A device's certificate once more, as it was given out. */
  again({ certificate, issuer }: Pick<Issuance, 'certificate' | 'issuer'>): IssuedCertificate {
    const { issuing, retired } = this.#folder;
    const by = retired.find((one) => numberOf(one.certificate) === issuer) ?? issuing;
    return { der: certificate, chainPem: this.#issuing.chainPem(certificate, by) };
  }

  /** What it has issued, in that order, with what became of it. */
  async issuances(): Promise<Issuances> {
    await this.#issuances.refresh();
    return this.#issuances;
  }

  /**
   * The revocation list of an authority of the folder (`issuing`, `policy`, `root`, `issuing-1`, …), made anew when it
   * grows old or something has been revoked since. Throws GTX-PRV-022 where that needs a key that is elsewhere.
   */
  async revocationList(name: ListName): Promise<Uint8Array> {
    await this.#issuances.refresh();
    const authority = this.authority(name);
    const open = (): Promise<Issuer> => this.#issuing.signing(authority);
    return await currentList({ folder: this.folder, authority, issuances: this.#issuances, log: this.#log, open });
  }

  /** What that list would say now, for who trusts this folder; it needs no key. Rejects with GTX-CHN-001. */
  async revoked(name: ListName): Promise<RevocationList> {
    return listByLog(this.authority(name), await this.issuances());
  }

  /** The lists that peers need: of the issuing authorities, the policy authority and the root, then those of REST. */
  listNames(): ListName[] {
    return this.#authorities().map(({ name }) => name);
  }

  #authorities(): Authority[] {
    const { root, policy, issuing, retired, rest } = this.#folder;
    return [issuing, ...retired, policy, root, ...(rest === undefined ? [] : [rest.issuing, rest.root])];
  }

  /** An authority of the folder by its name. Throws GTX-PRV-023 where there is none. */
  authority(name: ListName): Authority {
    const found = this.#authorities().find((one) => one.name === name);
    if (found === undefined) throw unknownCertificate(name, 'The authority has no such certificate.');
    return found;
  }

  /** What signs as an issuing authority of the folder, for OCSP. */
  issuingAuthority(name?: ListName): Promise<Issuer> {
    return this.#issuing.issuer(name === undefined ? this.#folder.issuing : this.authority(name));
  }

  /**
   * The emergency: a new issuing authority takes the place of the one of today, whose certificate is revoked. Needs
   * the policy key. What was issued below the old one is then reissued with `reissue`.
   */
  async replaceIssuing(reason: RevocationReason = 'cACompromise'): Promise<CertificateAuthority> {
    await makeNextIssuing(this.#folder, this.#options);
    const next = await CertificateAuthority.open(this.folder, this.#options);
    await next.revokeReplaced(reason);
    return next;
  }

  /**
   * Revokes the issuing authorities that have been replaced and are not revoked yet, as when a replacement was broken
   * off; answers their names. Needs no key.
   */
  async revokeReplaced(reason: RevocationReason = 'cACompromise'): Promise<ListName[]> {
    await this.#issuances.refresh();
    const { policy, retired } = this.#folder;
    const issuer = numberOf(policy.certificate);
    const left = retired.filter(({ certificate }) => this.#issuances.revocationOf(numberOf(certificate)) === undefined);
    for (const { certificate } of left) {
      const entry = { serial: numberOf(certificate), lfdi: lfdiOf(certificate.raw), issuer };
      await this.#log.append({ what: 'revocation', ...entry, reason, at: wallSeconds() });
    }
    return left.map(({ name }) => name);
  }

  /** The live certificates of issuing authorities that have been replaced. */
  async outdated(): Promise<Issuance[]> {
    await this.#issuances.refresh();
    const numbers = this.#folder.retired.map(({ certificate }) => numberOf(certificate));
    return this.#issuances.live(wallSeconds()).filter(({ issuer }) => numbers.includes(issuer));
  }

  /** A certificate of the issuing authority of today in place of another, for the same device and key. */
  reissue({ certificate, number }: Pick<Issuance, 'certificate' | 'number'>): Promise<IssuedCertificate> {
    return this.#issuing.device(orderOf(certificate), number);
  }
}

/** Where an authority keeps its log. */
export const logFolder = (folder: string): string => join(folder, 'log');
