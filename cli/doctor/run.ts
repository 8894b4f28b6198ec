import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GridError } from '#hal/errors.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type BoardFile, loadBoardFile } from '#edge/board-file.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { openSite } from '../commission/open-site.ts';
import type { DoctorOptions } from '../doctor.ts';
import { faultOf, type Finding, ok, textOf, warning } from './finding.ts';
import { checkIdentity, checkTpm } from './identity-checks.ts';
import { checkClock, checkDisk, checkNode, checkTemperature, checkWatchdog } from './machine-checks.ts';

/** Rejects with GTX-DOC-001 where something is wrong; warnings are told only. */
export async function runDoctor(options: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  const isText = options.json !== true;
  const tell = (found: readonly Finding[]): void => {
    findings.push(...found);
    if (isText) for (const finding of found) process.stdout.write(textOf(finding));
  };
  const now = wallSeconds();
  const identity = resolve(options.identity ?? join(options.data, 'identity'));
  tell([checkNode(process.version)]);
  tell(await checkClock(now));
  tell(checkDisk(options.data));
  tell(checkTemperature());
  tell([checkWatchdog()]);
  tell(checkIdentity(options.tpm === undefined ? identity : join(identity, 'operational'), now));
  tell([await checkTpm(options.tpm, openTpm)]);
  if (options.server !== undefined) {
    const { checkHeadEnd } = await import('./site-checks.ts');
    tell([await checkHeadEnd(options.server, () => identityOf(identity, options.tpm))]);
  }
  if (options.board !== undefined) await checkSite(options.board, options, tell);
  if (!isText) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  const faults = findings.filter(({ state }) => state === 'fault');
  if (faults.length === 0) return;
  const what = faults.map(({ check }) => check).join(', ');
  throw new GridError('GTX-DOC-001', `${faults.length} of ${findings.length} checks found a fault: ${what}`, {
    hint: 'Mend the first, then run it again: others may follow from it.',
  });
}

async function checkSite(
  board: string,
  options: DoctorOptions,
  tell: (found: readonly Finding[]) => void,
): Promise<void> {
  const { checkBoardFile, checkDevices, checkPorts } = await import('./site-checks.ts');
  let file: BoardFile;
  try {
    file = loadBoardFile(board);
  } catch (error) {
    tell([faultOf('board file', error)]);
    return;
  }
  tell(checkBoardFile(file));
  if (options.hardware === true) {
    tell(await (await import('./hardware-checks.ts')).checkHardware(file, options));
    return;
  }
  await using cleanup = new AsyncDisposableStack();
  try {
    const site = await openSite({ board, data: options.data }, cleanup);
    // The site opens its ports only when it is asked: until then they are free to be looked at.
    const ports = await checkPorts(file);
    tell(ports);
    tell(await checkDevices(site));
  } catch (error) {
    if (!(error instanceof GridError) || error.code !== 'GTX-CMS-001') {
      tell([faultOf('devices', error)]);
      return;
    }
    tell([ok('board', `it runs on ${options.data}`), devicesUnasked]);
  }
}

const devicesUnasked = warning(
  'devices',
  'they were not asked: the board that runs has them',
  'Its status page shows them (--status-port), or stop the board first.',
);

/** The board's identity, from files or with its key in a TPM. */
async function identityOf(folder: string, tpm: string | undefined): Promise<DeviceIdentity> {
  const { identityInFiles, identityInTpm } = await import('#edge/identity/identity-store.ts');
  if (tpm === undefined) return await identityInFiles(folder).load();
  const [{ tpmAddressOf }, { TpmIdentities }] = await Promise.all([
    import('#provisioning/tpm/tpm-address.ts'),
    import('#edge/identity/tpm-identities.ts'),
  ]);
  await using identities = new TpmIdentities(tpmAddressOf(tpm), folder);
  await identities.start();
  return await identityInTpm(identities).load();
}

/** Opens a TPM; answers what is there. */
async function openTpm(address: string): Promise<string> {
  const [{ tpmAddressOf }, { TpmKeys }] = await Promise.all([
    import('#provisioning/tpm/tpm-address.ts'),
    import('#provisioning/tpm/tpm-keys.ts'),
  ]);
  if (address.startsWith('/') && !existsSync(address)) return await Promise.reject(noDevice(address));
  await using keys = new TpmKeys(tpmAddressOf(address).port);
  await keys.start();
  return `${keys.name} answers`;
}

const noDevice = (address: string): GridError =>
  new GridError('GTX-DOC-003', `There is no ${address}`, { hint: 'Say so in config.txt: `dtoverlay=tpm-slb9670`.' });
