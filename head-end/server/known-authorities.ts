import { X509Certificate } from 'node:crypto';
import { wallSeconds } from '#hal/wall.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { devicePolicies } from '#provisioning/object-identifiers.ts';
import { type AuthorityCheck, checkAuthorityBelow, checkPeer, type PeerCheck } from '#provisioning/peer-check.ts';
import { certificatePem, certificatesOf } from '#provisioning/pem.ts';
import type { RevocationList } from '#provisioning/revocation-list.ts';
import { authorityAmong, type TrustedAuthority, trustedRoot } from '#provisioning/trusted-authority.ts';
import type { OperatorRecords } from './operator-records.ts';

/** An authority whose devices are let in. */
export interface KnownAuthority {
  /** The SHA-256 of its certificate, in hexadecimal. */
  readonly id: string;
  readonly certificate: X509Certificate;
  /** Whether it comes with the head-end's identity: its roots, and those above its own certificate. */
  readonly isOwn: boolean;
  /** Why devices that it issued are refused now. */
  readonly fault?: string;
}

export interface KnownAuthoritiesOptions {
  /** PEM of the roots. */
  readonly ca: string;
  /** PEM of the head-end's certificate and those above it. */
  readonly cert: string;
  /** Devices that are issued under one of these policies are refused; none unless told. */
  readonly refusedPolicies?: readonly string[];
}

/**
 * The authorities that a device may be issued by: the head-end's roots, those above its own certificate, and those
 * that operators have added. TLS alone would let in whatever chain leads to a root, also below authorities that IEEE
 * 2030.5-2018 §6.11.8 rules out (name constraints, policy mappings), and the server is not given what stands between.
 */
export class KnownAuthorities {
  readonly #records: OperatorRecords;
  #own: readonly X509Certificate[];
  #ownTrusted: readonly TrustedAuthority[];
  readonly #refusedPolicies: readonly string[];
  #trusted: readonly TrustedAuthority[] = [];
  #revocationLists: readonly RevocationList[] | undefined;

  /** `records` have been loaded. */
  constructor({ ca, cert, refusedPolicies = [] }: KnownAuthoritiesOptions, records: OperatorRecords) {
    this.#records = records;
    this.#refusedPolicies = refusedPolicies;
    const [, ...above] = certificatesOf(cert);
    const roots = certificatesOf(ca);
    this.#own = [...roots, ...above];
    this.#ownTrusted = withBelow(
      roots.map(({ raw }) => trustedRoot(raw)),
      above.map(({ raw }) => raw),
    );
    this.#refresh();
    records.onChange(({ kind }) => {
      if (kind === 'authority') this.#refresh();
    });
  }

  /** Lets in, from now on, also devices of authorities (DER) below the head-end's own roots. */
  useOwn(authorities: readonly Uint8Array[]): void {
    const known = new Set(this.#own.map(idOf));
    const news = authorities.map((der) => new X509Certificate(der)).filter((one) => !known.has(idOf(one)));
    this.#own = [...this.#own, ...news];
    this.#ownTrusted = withBelow(
      this.#ownTrusted,
      news.map(({ raw }) => raw),
    );
    this.#refresh();
  }

  /** What authorities say is revoked, from now on. */
  useRevocationLists(lists: readonly RevocationList[]): void {
    this.#revocationLists = lists;
  }

  /** Whether a device, of whom TLS has found that it has its certificate's key, is let in at this moment. */
  check(certificate: Uint8Array): PeerCheck {
    return checkPeer([certificate], {
      trusted: this.#trusted,
      revocationLists: this.#revocationLists,
      // Of authorities that operators have added there may be none.
      unlisted: 'pass',
      now: wallSeconds(),
      policies: devicePolicies,
      refusedPolicies: this.#refusedPolicies,
      as: 'client',
    });
  }

  /** The head-end's own first. */
  all(): KnownAuthority[] {
    const added = this.#records.all('authority').flatMap(([, { certificate }]) => certificatesOf(certificate));
    return [
      ...this.#own.map((certificate) => ({ id: idOf(certificate), certificate, isOwn: true })),
      ...added.map((certificate) => this.#described(certificate)),
    ];
  }

  get(id: string): KnownAuthority | undefined {
    const own = this.#own.find((certificate) => idOf(certificate) === id);
    if (own !== undefined) return { id, certificate: own, isOwn: true };
    const [added] = certificatesOf(this.#records.get('authority', id)?.certificate ?? '');
    return added && this.#described(added);
  }

  /**
   * Whether devices may come from an authority from now on; kept when they may. Rejects with `GTX-RES-003` when there
   * are too many.
   */
  async add(certificate: X509Certificate): Promise<AuthorityCheck> {
    const answer = this.#checkAuthority(certificate);
    if (answer.ok) {
      await this.#records.put('authority', idOf(certificate), { certificate: certificatePem(certificate.raw) });
    }
    return answer;
  }

  /** Devices below it are refused at their next handshake; false where operators have added none such. */
  remove(id: string): Promise<boolean> {
    return this.#records.remove('authority', id);
  }

  #described(certificate: X509Certificate): KnownAuthority {
    const answer = this.#checkAuthority(certificate);
    const fault = answer.ok ? {} : { fault: `${answer.reason}: ${answer.detail}` };
    return { id: idOf(certificate), certificate, isOwn: false, ...fault };
  }

  #checkAuthority({ raw }: X509Certificate): AuthorityCheck {
    return checkAuthorityBelow(raw, { trusted: this.#trusted, now: wallSeconds(), policies: devicePolicies });
  }

  #refresh(): void {
    const added = this.#records.all('authority').flatMap(([, { certificate }]) => certificatesOf(certificate));
    const known = withBelow(
      this.#ownTrusted,
      added.map(({ raw }) => raw),
    );
    // An authority may have got a new certificate for its key: the one that is valid longest speaks for it.
    this.#trusted = known.toSorted((a, b) => b.fields.notAfter - a.fields.notAfter);
  }
}

/** The SHA-256 of a certificate, in hexadecimal. */
export const idOf = ({ fingerprint256 }: X509Certificate): string => fingerprint256.replaceAll(':', '').toLowerCase();

/** Those that are trusted, with every authority (DER) that one of them issued, in any order; others are left out. */
function withBelow(trusted: readonly TrustedAuthority[], authorities: readonly Uint8Array[]): TrustedAuthority[] {
  const found = [...trusted];
  let waiting = authorities.map(readCertificate);
  for (let before = Number.POSITIVE_INFINITY; waiting.length < before; ) {
    before = waiting.length;
    waiting = waiting.filter((fields) => {
      const authority = authorityAmong(found, fields);
      if (authority !== undefined) found.push(authority);
      return authority === undefined;
    });
  }
  return found;
}
