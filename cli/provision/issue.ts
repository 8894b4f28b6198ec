import { generateKeyPairSync, type KeyObject, randomInt } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf, pinOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { type CertificateAuthority, type IssuedCertificate, publicKeyOfRequest } from '#provisioning/ca.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { identityFiles, writeIdentity } from '#provisioning/identity-files.ts';
import { isRenewalDue, type Profile, profiles } from '#provisioning/validity.ts';
import { type AuthorityFlags, openAuthority } from './authority.ts';

interface IssueFlags extends AuthorityFlags {
  readonly out: string;
  readonly csr?: string;
  readonly serial?: string;
  readonly profile: Profile;
  readonly days?: number;
  readonly host?: readonly string[];
  readonly rest?: boolean;
  readonly json?: boolean;
}

export async function issue(flags: IssueFlags): Promise<void> {
  const { out } = flags;
  checkTogether(flags);
  await refuseToOverwrite(out);
  await using opened = await openAuthority(flags);
  const { ca } = opened;
  const key = flags.csr === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : undefined;
  const publicKey = key?.publicKey ?? (await publicKeyOfRequest(await readGiven(flags.csr ?? '', 'request')));
  const serial =
    flags.serial ??
    `gtx-${randomInt(2 ** 40)
      .toString(16)
      .padStart(10, '0')}`;
  const issued = await issuedFor(ca, flags, { publicKey, serial, keyIn: key === undefined ? 'elsewhere' : 'file' });
  const caPem = flags.rest === true ? (ca.restRootPem ?? '') : ca.rootPem;
  await writeIdentity(out, { issued, caPem, ...(key !== undefined && { privateKey: key.privateKey }) });
  const files = Object.values(identityFiles).filter((name) => key !== undefined || name !== identityFiles.key);
  const lfdi = lfdiOf(issued.der);
  const pin = String(pinOf(randomInt(100_000))).padStart(6, '0');
  const identity = flags.rest === true ? {} : { lfdi, sfdi: String(sfdiOf(lfdi)), pin, serial };
  tell(
    identity,
    files.map((name) => join(out, name)),
    flags,
  );
}

function issuedFor(
  ca: CertificateAuthority,
  { rest, host, profile, days }: IssueFlags,
  order: { publicKey: KeyObject; serial: string; keyIn: 'file' | 'elsewhere' },
): Promise<IssuedCertificate> {
  if (rest === true) return ca.issueServer(order.publicKey, host ?? []);
  return ca.issueDevice({
    ...order,
    profile,
    ...(host !== undefined && { hosts: host }),
    ...(days !== undefined && { days }),
  });
}

function checkTogether({ rest, host, days, profile }: IssueFlags): void {
  if (rest === true && host === undefined) throw together('A REST server needs its names: --host');
  if (days !== undefined && (rest === true || profiles[profile].days === undefined)) {
    throw together('--days is for certificates of the profile operational: others have an end of their own');
  }
}

const together = (message: string): GridError => new GridError('GTX-PRV-013', message, { kind: 'input' });

interface RenewFlags extends AuthorityFlags {
  readonly days?: number;
  readonly ifDue?: boolean;
  readonly json?: boolean;
}

/** The key's file stays as it is, if there is one. */
export async function renew(folder: string, flags: RenewFlags): Promise<void> {
  const old = await readGiven(join(folder, identityFiles.certificate), 'certificate');
  const before = readCertificate(old);
  if (flags.ifDue === true && !isRenewalDue(before, wallSeconds())) {
    process.stderr.write(`${folder} needs no renewal yet.\n`);
    return;
  }
  await using opened = await openAuthority(flags);
  const { ca } = opened;
  const issued = await ca.renew(old, flags.days);
  await writeIdentity(folder, { issued, caPem: ca.rootPem });
  const lfdi = lfdiOf(issued.der);
  const validUntil = isoTime(UnixSeconds(readCertificate(issued.der).notAfter));
  const told = { lfdi, sfdi: String(sfdiOf(lfdi)), replaces: lfdiOf(old), validUntil };
  const files = [identityFiles.chain, identityFiles.certificate, identityFiles.root].map((name) => join(folder, name));
  tell(told, files, flags);
}

function tell(told: Readonly<Record<string, string>>, files: readonly string[], { json }: { json?: boolean }): void {
  const width = Math.max(6, ...Object.keys(told).map((name) => name.length)) + 2;
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ ...told, files })}\n`
      : Object.entries(told)
          .map(([name, value]) => `${name.padEnd(width)}${value}\n`)
          .join(''),
  );
}

/** Throws GTX-PRV-012 where the folder holds an identity or a key: overwriting it would lose who the device is. */
async function refuseToOverwrite(out: string): Promise<void> {
  for (const name of [identityFiles.key, identityFiles.chain]) {
    const there = await access(join(out, name)).then(
      () => true,
      () => false,
    );
    if (there) {
      throw new GridError('GTX-PRV-012', `${join(out, name)} is there already`, {
        kind: 'input',
        hint: 'Choose another folder; nothing was changed.',
      });
    }
  }
}

/** Reads what the user named. Throws GTX-PRV-005 for a request, GTX-PRV-014 for something else. */
export async function readGiven(file: string, what: 'request' | 'certificate' | 'file'): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const name = what === 'request' ? 'certificate request' : what;
    throw new GridError(
      what === 'request' ? 'GTX-PRV-005' : 'GTX-PRV-014',
      `Cannot read the ${name} ${file}: ${reasonOf(error)}`,
      {
        kind: 'input',
        cause: error,
      },
    );
  }
}
