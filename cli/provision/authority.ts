import { InvalidArgumentError } from 'commander';
import { GridError } from '#hal/errors.ts';
import type { IssuingKeys } from '#hal/key-store.ts';
import { isAddress, type NewAuthorityOptions } from '#provisioning/authority-folder.ts';
import { encryptAuthority } from '#provisioning/authority-keys.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { choosing, opening, type PassphraseOptions } from './passphrase.ts';

/** What every command on an existing authority takes. */
export interface AuthorityFlags extends PassphraseOptions {
  readonly ca: string;
  /** The TPM that has its issuing key. */
  readonly caTpm?: string;
}

/** An authority with the TPM that has its issuing key, which is that or nothing. */
export interface OpenAuthority extends AsyncDisposable {
  readonly ca: CertificateAuthority;
}

export async function openAuthority(flags: AuthorityFlags): Promise<OpenAuthority> {
  await using cleanup = new AsyncDisposableStack();
  const keys = await issuingKeysIn(flags.caTpm, cleanup);
  const ca = await CertificateAuthority.open(flags.ca, { passphrase: opening(flags.ca, flags), ...keys });
  const opened = cleanup.move();
  return { ca, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Where the issuing keys lie instead of files: in the TPM that was named, if one was. */
export async function issuingKeysIn(
  tpm: string | undefined,
  cleanup: AsyncDisposableStack,
): Promise<{ issuingKeys?: IssuingKeys }> {
  if (tpm === undefined) return {};
  // Authorities with keys in files need none of it.
  const { openIssuingKeys } = await import('#provisioning/tpm/issuing-keys.ts');
  return { issuingKeys: cleanup.use(await openIssuingKeys(tpm)) };
}

/** `tpm:` and where the TPM is, as it is typed. */
export function parseIssuingKey(text: string): string {
  const [, where = ''] = /^tpm:(.+)$/.exec(text) ?? [];
  if (where !== '') return where;
  throw new InvalidArgumentError('It is like tpm:/dev/tpmrm0, or tpm:swtpm:HOST:PORT for an emulator.');
}

interface InitFlags extends PassphraseOptions {
  readonly out: string;
  readonly address?: string;
  readonly restRoot?: 'rsa4096';
  /** Where the TPM is that is to have the issuing key. */
  readonly issuingKey?: string;
}

export async function initialise(flags: InitFlags): Promise<void> {
  const { out, address, restRoot, issuingKey } = flags;
  if (address !== undefined && !isAddress(address)) {
    throw new GridError('GTX-PRV-029', `${address} is no address of a revocation responder`, {
      kind: 'input',
      hint: 'It is plain HTTP without a path: http://ca.example:8081. What it serves is signed.',
    });
  }
  await using cleanup = new AsyncDisposableStack();
  const options: NewAuthorityOptions = {
    ...(await issuingKeysIn(issuingKey, cleanup)),
    passphrase: choosing(out, flags),
    ...(address !== undefined && { address }),
    ...(restRoot !== undefined && { restRoot }),
  };
  if (restRoot !== undefined) process.stderr.write('Making an RSA key of 4096 bits: some seconds …\n');
  const ca = await CertificateAuthority.create(out, options);
  for (const name of ca.listNames()) await ca.revocationList(name);
  const daily =
    issuingKey === undefined
      ? 'daily use needs issuing.key alone.'
      : `daily use needs the TPM alone: --ca-tpm ${issuingKey}. Nobody can copy its key; policy.key makes another.`;
  process.stderr.write(
    `Made a certificate authority in ${out}; its keys are encrypted. Move root.key and policy.key offline: ${daily}\n`,
  );
}

export async function encryptKeys(flags: AuthorityFlags): Promise<void> {
  const done = await encryptAuthority(flags.ca, choosing(flags.ca, flags));
  process.stderr.write(done.length === 0 ? 'All keys are encrypted already.\n' : `Encrypted ${done.join(', ')}.\n`);
}

export async function makeLists(flags: AuthorityFlags): Promise<void> {
  await using opened = await openAuthority(flags);
  const { ca } = opened;
  for (const name of ca.listNames()) {
    const list = await ca.revocationList(name);
    process.stderr.write(`${name}.crl  ${list.length} octets\n`);
  }
}
