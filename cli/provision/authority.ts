import { GridError } from '#hal/errors.ts';
import { encryptAuthority, isAddress, type NewAuthorityOptions } from '#provisioning/authority-folder.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { choosing, opening, type PassphraseOptions } from './passphrase.ts';

/** What every command on an existing authority takes. */
export interface AuthorityFlags extends PassphraseOptions {
  readonly ca: string;
}

export const openAuthority = (flags: AuthorityFlags): Promise<CertificateAuthority> =>
  CertificateAuthority.open(flags.ca, { passphrase: opening(flags.ca, flags) });

interface InitFlags extends PassphraseOptions {
  readonly out: string;
  readonly address?: string;
  readonly restRoot?: 'rsa4096';
}

export async function initialise(flags: InitFlags): Promise<void> {
  const { out, address, restRoot } = flags;
  if (address !== undefined && !isAddress(address)) {
    throw new GridError('GTX-PRV-029', `${address} is no address of a revocation responder`, {
      kind: 'input',
      hint: 'It is plain HTTP without a path: http://ca.example:8081. What it serves is signed.',
    });
  }
  const options: NewAuthorityOptions = {
    passphrase: choosing(out, flags),
    ...(address !== undefined && { address }),
    ...(restRoot !== undefined && { restRoot }),
  };
  if (restRoot !== undefined) process.stderr.write('Making an RSA key of 4096 bits: some seconds …\n');
  const ca = await CertificateAuthority.create(out, options);
  for (const name of ca.listNames()) await ca.revocationList(name);
  process.stderr.write(
    `Made a certificate authority in ${out}; its keys are encrypted. ` +
      'Move root.key and policy.key offline: daily use needs issuing.key alone.\n',
  );
}

export async function encryptKeys(flags: AuthorityFlags): Promise<void> {
  const done = await encryptAuthority(flags.ca, choosing(flags.ca, flags));
  process.stderr.write(done.length === 0 ? 'All keys are encrypted already.\n' : `Encrypted ${done.join(', ')}.\n`);
}

export async function makeLists(flags: AuthorityFlags): Promise<void> {
  const ca = await openAuthority(flags);
  for (const name of ca.listNames()) {
    const list = await ca.revocationList(name);
    process.stderr.write(`${name}.crl  ${list.length} octets\n`);
  }
}
