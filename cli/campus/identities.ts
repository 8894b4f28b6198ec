import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { DeviceRecord } from '#head-end/protocol.ts';
import { formatLfdi, type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { identityFiles, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { campusPassphrase } from '../provision/passphrase.ts';

export interface CampusIdentities {
  readonly serverFolder: string;
  /** One folder a board, named by its meter id. */
  readonly boardsFolder: string;
  /** What the head-end's registry is told of the boards, out of band. */
  readonly devices: readonly DeviceRecord[];
  /** PEM of the root that all of them come from. */
  readonly ca: string;
}

/**
 * The certificate authority, the head-end's identity and one a board; made where missing, else as they are. Where the
 * boards keep their keys in TPMs their identities are not made here: boards enrol.
 */
export async function prepareIdentities(
  caFolder: string,
  identitiesFolder: string,
  files: readonly BoardFile[],
  keysIn: 'file' | 'tpm' = 'file',
): Promise<CampusIdentities> {
  const ca = await CertificateAuthority.openOrCreate(caFolder, { passphrase: campusPassphrase(caFolder) });
  const serverFolder = join(identitiesFolder, 'head-end');
  const boardsFolder = join(identitiesFolder, keysIn === 'tpm' ? 'tpm-boards' : 'boards');
  await loadOrCreateIdentity(serverFolder, { ca, serial: 'head-end', hosts: ['localhost', '127.0.0.1'] });
  const devices = await Promise.all(
    files.map(async (file): Promise<DeviceRecord> => {
      const folder = join(boardsFolder, file.meterId);
      const lfdi =
        keysIn === 'tpm'
          ? await enrolledLfdi(folder)
          : (await loadOrCreateIdentity(folder, { ca, serial: file.meterId })).lfdi;
      return {
        meterId: file.meterId,
        name: file.name,
        building: file.building,
        zone: file.zone,
        ratedW: file.devices.inverter?.ratedW ?? 0,
        storageWh: file.devices.battery?.capacityWh ?? 0,
        ...(lfdi !== undefined && { lfdi: formatLfdi(lfdi) }),
      };
    }),
  );
  return { serverFolder, boardsFolder, devices, ca: ca.rootPem };
}

/** Of the board's operational certificate; undefined for a board that is not enrolled. */
async function enrolledLfdi(folder: string): Promise<Lfdi | undefined> {
  // What the board itself reads: where a renewal was cut off, it is still the old one.
  const file = join(folder, 'operational', identityFiles.chain);
  try {
    return lfdiOf(new X509Certificate(await readFile(file)).raw);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new GridError('GTX-CMP-006', `Cannot read the certificate ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
