import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import { openHint } from '#hal/linux/device-file.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { identityFiles } from '#provisioning/identity-files.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { daysLeft, type ExpiryLevel, expiryLevel } from '#provisioning/validity.ts';
import { fault, faultOf, type Finding, ok, systemFault, warning } from './finding.ts';

/** Read by others than its owner. */
const othersMay = 0o077;

/** The identity in a folder: its key is its owner's alone, and its certificate lasts. */
export function checkIdentity(folder: string, now: UnixSeconds): readonly Finding[] {
  const chain = join(folder, identityFiles.chain);
  if (!existsSync(chain)) {
    return [
      warning(
        'identity',
        `there is none in ${folder}`,
        '`gridtokenx provision enrol` enrols the board at its head-end; control goes on without.',
      ),
    ];
  }
  const key = join(folder, identityFiles.key);
  return [...(existsSync(key) ? [checkKey(key)] : []), checkCertificate(chain, now)];
}

function checkKey(file: string): Finding {
  const mode = statSync(file).mode & 0o777;
  const text = `${file} has mode ${mode.toString(8).padStart(4, '0')}`;
  if ((mode & othersMay) === 0) return ok('key file', text);
  return fault(
    'key file',
    `${text}: others may use it`,
    `Run \`chmod 600 ${file}\`; where somebody had it, replace the board: \`gridtokenx provision replace\`.`,
  );
}

const levels: Readonly<Record<ExpiryLevel, Finding['state']>> = {
  fine: 'ok',
  notice: 'ok',
  warning: 'warning',
  critical: 'fault',
  expired: 'fault',
};

function checkCertificate(file: string, now: UnixSeconds): Finding {
  try {
    const [certificate] = certificatesOf(readFileSync(file, 'utf8'));
    if (certificate === undefined) return fault('certificate', `${file} has none`, 'Enrol the board again.');
    const { notBefore, notAfter } = readCertificate(certificate.raw);
    const left = daysLeft(notAfter, now);
    const text = Number.isFinite(left) ? `${left} days are left` : 'it has no end';
    if (notBefore > now) return fault('certificate', 'it is not valid yet', 'Check the clock of the board.');
    const state = levels[expiryLevel(notAfter, now)];
    const hint = 'It renews by itself while the board reaches its head-end; once it is over, enrol the board again.';
    return state === 'ok' ? ok('certificate', text) : { check: 'certificate', state, text, hint };
  } catch (error) {
    if (error instanceof GridError) return faultOf('certificate', error);
    return systemFault('certificate', file, error, 'Enrol the board again.');
  }
}

const usualTpm = '/dev/tpmrm0';
const noTpm = 'Fit one and say so in config.txt (`dtoverlay=tpm-slb9670`), or accept a key in a file.';

/** The TPM of the machine; `named` one that must answer, which `open` tries. */
export async function checkTpm(
  named: string | undefined,
  open: (address: string) => Promise<string>,
): Promise<Finding> {
  if (named === undefined) {
    if (!existsSync(usualTpm)) return warning('TPM', `there is no ${usualTpm}`, noTpm);
    try {
      accessSync(usualTpm, constants.R_OK | constants.W_OK);
      return ok('TPM', `${usualTpm} is there`);
    } catch (error) {
      return fault('TPM', `${usualTpm}: ${reasonOf(error)}`, openHint(usualTpm, 'EACCES', noTpm));
    }
  }
  try {
    return ok('TPM', await open(named));
  } catch (error) {
    return faultOf('TPM', error);
  }
}
