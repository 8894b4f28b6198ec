import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { hasAuthority } from '#provisioning/authority-folder.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { alternativeNames, readCertificate } from '#provisioning/certificate-fields.ts';
import { identityFiles } from '#provisioning/identity-files.ts';
import { profileOf } from '#provisioning/inspection.ts';
import { daysLeft, expiryLevel } from '#provisioning/validity.ts';
import { readGiven } from './issue.ts';

interface Standing {
  readonly name: string;
  readonly lfdi: Lfdi;
  readonly profile: string;
  /** Null for a certificate without expiry. */
  readonly daysLeft: number | null;
  readonly state: string;
}

/** Folders within folders, so many deep, are searched for identities. */
const deepest = 4;

export async function status(folder: string, { json }: { readonly json?: boolean }): Promise<void> {
  const now = wallSeconds();
  const all = (await hasAuthority(folder)) ? await issuedBy(folder, now) : await lyingIn(folder, now);
  if (json === true) {
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return;
  }
  for (const one of all) {
    const left = one.daysLeft === null ? 'no expiry' : `${one.daysLeft} days`;
    process.stdout.write(
      `${one.lfdi}  ${left.padStart(10)}  ${one.state.padEnd(9)} ${one.profile.padEnd(12)} ${one.name}\n`,
    );
  }
}

const leftOf = (notAfter: number, now: UnixSeconds): number | null => {
  const left = daysLeft(notAfter, now);
  return Number.isFinite(left) ? left : null;
};

async function issuedBy(folder: string, now: UnixSeconds): Promise<Standing[]> {
  const issuances = await (await CertificateAuthority.open(folder)).issuances();
  return issuances.all().map(({ serial, lfdi, profile, notAfter, revocation, isReplaced }) => ({
    name: serial,
    lfdi,
    profile,
    daysLeft: leftOf(notAfter, now),
    state: revocation !== undefined ? 'revoked' : isReplaced ? 'replaced' : expiryLevel(notAfter, now),
  }));
}

async function lyingIn(folder: string, now: UnixSeconds): Promise<Standing[]> {
  const found: Standing[] = [];
  for (const file of await certificatesIn(folder, deepest)) {
    const encoded = await readGiven(file, 'certificate');
    const certificate = readCertificate(encoded);
    found.push({
      name: alternativeNames(certificate.extensions).hardware?.serial ?? relative(folder, file),
      lfdi: lfdiOf(encoded),
      profile: profileOf(certificate),
      daysLeft: leftOf(certificate.notAfter, now),
      state: expiryLevel(certificate.notAfter, now),
    });
  }
  return found;
}

async function certificatesIn(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new GridError('GTX-PRV-014', `Cannot read the folder ${folder}: ${reasonOf(error)}`, {
      kind: 'input',
      cause: error,
    });
  });
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name === identityFiles.certificate) files.push(path);
    else if (entry.isDirectory() && depth > 0) files.push(...(await certificatesIn(path, depth - 1)));
  }
  return files;
}
