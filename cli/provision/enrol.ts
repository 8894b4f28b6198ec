import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { EnrolmentClient } from '#edge/identity/enrolment-client.ts';
import { tpmAddressOf } from '#provisioning/tpm/tpm-address.ts';
import { TpmIdentities } from '#edge/identity/tpm-identities.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { identityFiles } from '#provisioning/identity-files.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { endorsementHash } from '#provisioning/tpm/endorsement-certificate.ts';
import { TpmKeys } from '#provisioning/tpm/tpm-keys.ts';

interface EndorsementFlags {
  readonly tpm: string;
  readonly json?: boolean;
}

/** Tells by what the list of flashed boards knows a TPM: on the bench, when the board is flashed. */
export async function endorsement({ tpm, json }: EndorsementFlags): Promise<void> {
  await using keys = new TpmKeys(tpmAddressOf(tpm).port);
  await keys.start();
  const { certificate } = await keys.endorsement();
  const hash = endorsementHash(certificate.publicKey);
  const maker = certificate.issuer.replaceAll('\n', ', ');
  process.stdout.write(
    json === true ? `${JSON.stringify({ endorsementHash: hash, maker })}\n` : `${hash}  (maker: ${maker})\n`,
  );
}

interface EnrolFlags {
  readonly server: string;
  /** PEM file of the root that the head-end comes from. */
  readonly ca: string;
  readonly tpm: string;
  readonly serial: string;
  readonly building: string;
  readonly out: string;
  readonly json?: boolean;
}

/** Enrols the board of a TPM at a head-end; what it has already is left as it is. */
export async function enrol(flags: EnrolFlags): Promise<void> {
  const { server, tpm, serial, building, out, json } = flags;
  const address = tpmAddressOf(tpm);
  const ca = await rootIn(flags.ca);
  await using client = new EnrolmentClient(server, ca);
  await using board = new TpmIdentities(address, resolve(out));
  await board.start();
  const enrolled = await board.enrol(client, { serial, building }, ca);
  const told: Record<string, object> = {};
  for (const role of ['birth', 'operational'] as const) {
    // Where it is not there, `enrol` has failed.
    const identity = (await board.load(role))!;
    const [certificate] = certificatesOf(identity.certificatePem);
    told[role] = {
      lfdi: identity.lfdi,
      sfdi: String(identity.sfdi),
      validUntil: isoTime(UnixSeconds(readCertificate(certificate!.raw).notAfter)),
      folder: board.folderOf(role),
    };
  }
  process.stderr.write(
    enrolled.length === 0
      ? `${serial} is enrolled already: nothing was changed. To enrol it anew, release it, and move ${board.folderOf('operational')} away.\n`
      : `Enrolled ${serial}.\n`,
  );
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ serial, building, ...told })}\n`
      : Object.entries(told)
          .flatMap(([role, facts]) => Object.entries(facts).map(([what, text]) => `${role} ${what}: ${String(text)}\n`))
          .join(''),
  );
}

/** Throws GTX-PRV-014 where it cannot be read, or holds no certificate. */
async function rootIn(file: string): Promise<string> {
  try {
    const pem = await readFile(file, 'utf8');
    if (certificatesOf(pem).length > 0) return pem;
  } catch (error) {
    throw noRoot(file, reasonOf(error), error);
  }
  throw noRoot(file, 'there is no certificate in it');
}

const noRoot = (file: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-014', `Cannot read the root certificate ${file}: ${reason}`, {
    kind: 'input',
    hint: `It is \`root.pem\` of the authority, or \`${identityFiles.root}\` of any device of the campus.`,
    cause,
  });
