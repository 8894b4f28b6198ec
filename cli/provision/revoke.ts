import { X509Certificate } from 'node:crypto';
import { GridError, reasonOf } from '#hal/errors.ts';
import { lfdiOf, parseLfdi } from '#ieee2030_5/identity.ts';
import type { RevocationReason } from '#provisioning/revocation-list.ts';
import { type AuthorityFlags, openAuthority } from './authority.ts';
import { readGiven } from './issue.ts';

interface RevokeFlags extends AuthorityFlags {
  readonly reason: RevocationReason;
}

export async function revoke(named: string, flags: RevokeFlags): Promise<void> {
  const which = /^[0-9a-fA-F]{40}$/.test(named)
    ? { lfdi: parseLfdi(named) }
    : { certificate: certificateIn(named, await readGiven(named, 'certificate')) };
  await using opened = await openAuthority(flags);
  const { ca } = opened;
  const list = await ca.revoke(which, flags.reason);
  const lfdi = 'lfdi' in which ? which.lfdi : lfdiOf(which.certificate);
  await ca.revocationList(list);
  process.stderr.write(`Revoked ${lfdi} (${flags.reason}); it is on ${list}.crl.\n`);
}

/** The certificate in a file that a person named, DER. Throws GTX-PRV-014 for another kind of file. */
export function certificateIn(file: string, content: Uint8Array): Uint8Array {
  try {
    return new X509Certificate(content).raw;
  } catch (error) {
    throw new GridError('GTX-PRV-014', `${file} is neither an LFDI nor a certificate: ${reasonOf(error)}`, {
      kind: 'input',
      hint: 'An LFDI has 40 hexadecimal digits; a certificate is in PEM or DER.',
      cause: error,
    });
  }
}
