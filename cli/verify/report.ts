import { readFile } from 'node:fs/promises';
import { GridError, reasonOf } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { fingerprintOf } from '#edge/commissioning/report-page.ts';
import { checkSignedReport, type ReportSignature } from '#edge/commissioning/signed-report.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { devicePolicies } from '#provisioning/object-identifiers.ts';
import { checkPeer } from '#provisioning/peer-check.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { trustedRoot } from '#provisioning/trusted-authority.ts';
import { pemIn } from '../pem-file.ts';

interface ReportFlags {
  readonly ca?: string;
  readonly json?: boolean;
}

/** What a report says of itself, as far as this check needs it. */
interface ReportHead {
  readonly meterId?: unknown;
  readonly at?: unknown;
  readonly verdict?: unknown;
}

/**
 * Checks the signature of a commissioning report, and with a root that its signer is a device of that authority.
 * Rejects with GTX-RPT-001 to 003.
 */
export async function verifyReport(path: string, { ca, json }: ReportFlags): Promise<void> {
  const file = await parsed(path);
  const signature = checkSignedReport(file);
  const head = (file as { readonly report: ReportHead }).report;
  const trusted = ca === undefined ? undefined : deviceOf(signature, await pemIn(ca, '--ca'), head);
  const [own] = signature.chain;
  const signer = own === undefined ? undefined : lfdiOf(own.raw);
  const unseen = [
    ...(own === undefined ? ['whose key it is: no certificate speaks for it'] : []),
    ...(trusted === undefined && own !== undefined
      ? ['whether the signer is a device of yours: give its root with --ca']
      : []),
  ];
  const fingerprint = fingerprintOf(head);
  const { meterId = null, at = null, verdict = null } = head;
  if (json === true) {
    const plain = {
      ok: true,
      meterId,
      at,
      verdict,
      fingerprint,
      signer: signer ?? null,
      serial: trusted ?? null,
      unseen,
    };
    process.stdout.write(`${JSON.stringify(plain)}\n`);
    return;
  }
  process.stdout.write(`The report of ${String(meterId)} of ${String(at)} holds; its verdict is ${String(verdict)}\n`);
  process.stdout.write(
    `Signed by ${signer === undefined ? 'a key without a certificate' : `the device with LFDI ${signer}${trusted === undefined ? '' : `, serial number ${trusted}`}`}\n`,
  );
  process.stdout.write(`Fingerprint ${fingerprint}, as on the printed page\n`);
  for (const one of unseen) process.stderr.write(`Not seen by this check: ${one}.\n`);
}

async function parsed(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new GridError('GTX-RPT-001', `${path} cannot be read as a report: ${reasonOf(error)}`, {
      kind: 'input',
      hint: 'Give the JSON file that `gridtokenx commission ct` wrote.',
      cause: error,
    });
  }
}

/** The serial number of the device that signed, as its certificate has it, valid when the report was made. */
function deviceOf({ chain }: ReportSignature, ca: string, { at }: ReportHead): string {
  const time = typeof at === 'string' ? Math.floor(Date.parse(at) / 1000) : Number.NaN;
  const answer = Number.isSafeInteger(time)
    ? checkPeer(
        chain.map(({ raw }) => raw),
        {
          trusted: certificatesOf(ca).map(({ raw }) => trustedRoot(raw)),
          revocationLists: undefined,
          now: UnixSeconds(time),
          policies: devicePolicies,
          as: 'client',
        },
      )
    : ({ ok: false, detail: 'the report does not say when it was made' } as const);
  if (answer.ok) return answer.serial;
  throw new GridError('GTX-RPT-003', `The signer is no device of this authority: ${answer.detail}`, {
    hint: 'Give the root that the board was enrolled under; a board that was not enrolled signs with a key of its own.',
  });
}
