import { generateKeyPairSync, randomInt } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { GridError, reasonOf } from '#hal/errors.ts';
import { lfdiOf, pinOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority, publicKeyOfRequest } from '#provisioning/ca.ts';
import { identityFiles, writeIdentity } from '#provisioning/identity-files.ts';

interface IssueOptions {
  readonly ca: string;
  readonly out: string;
  readonly csr?: string;
  readonly serial?: string;
  readonly json?: boolean;
}

/** `gridtokenx provision`: the certificate authority and the certificates of devices. */
export function provisionCommand(): Command {
  const provision = new Command('provision').description('Make a certificate authority and issue device certificates.');
  const authority = provision.command('ca').description('The certificate authority of a campus.');
  authority
    .command('init')
    .description('Make a new authority: root, policy and issuing certificates with their keys.')
    .requiredOption('--out <dir>', 'the folder to make it in')
    .action(async ({ out }: { out: string }) => {
      await CertificateAuthority.create(out);
      process.stderr.write(`Made a certificate authority in ${out}. Its keys are not encrypted: guard the folder.\n`);
    });
  provision
    .command('issue')
    .description(`Issue a device certificate: writes ${Object.values(identityFiles).join(', ')}.`)
    .requiredOption('--ca <dir>', 'the folder of the authority')
    .requiredOption('--out <dir>', "the folder for the device's files")
    .option('--csr <file>', 'a certificate request (PKCS#10) instead of a new key in a file')
    .option('--serial <text>', "the hardware's serial number; a random one unless told")
    .option('--json', 'print lfdi, sfdi, pin and the files as JSON')
    .action(issue);
  return provision;
}

async function issue(options: IssueOptions): Promise<void> {
  const { out } = options;
  await refuseToOverwrite(out);
  const ca = await CertificateAuthority.open(options.ca);
  const key = options.csr === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : undefined;
  const publicKey = key?.publicKey ?? (await publicKeyOfRequest(await readRequest(options.csr ?? '')));
  const serial =
    options.serial ??
    `gtx-${randomInt(2 ** 40)
      .toString(16)
      .padStart(10, '0')}`;
  const issued = await ca.issueDevice({ serial, publicKey, keyIn: key === undefined ? 'elsewhere' : 'file' });
  const parts = { issued, caPem: ca.rootPem };
  await writeIdentity(out, key === undefined ? parts : { ...parts, privateKey: key.privateKey });
  const lfdi = lfdiOf(issued.der);
  const told = { lfdi, sfdi: String(sfdiOf(lfdi)), pin: String(pinOf(randomInt(100_000))).padStart(6, '0'), serial };
  const files = Object.values(identityFiles).filter((name) => key !== undefined || name !== identityFiles.key);
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ ...told, files: files.map((name) => join(out, name)) })}\n`
      : Object.entries(told)
          .map(([name, value]) => `${name.padEnd(8)}${value}\n`)
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

async function readRequest(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new GridError('GTX-PRV-005', `Cannot read the certificate request ${file}: ${reasonOf(error)}`, {
      kind: 'input',
      cause: error,
    });
  }
}
