import { join } from 'node:path';
import type { BoardFile } from '#edge/board-file.ts';
import type { DeviceRecord } from '#head-end/protocol.ts';
import { formatLfdi } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { campusPassphrase } from '../provision/passphrase.ts';

export interface CampusIdentities {
  readonly serverFolder: string;
  /** One folder a board, named by its meter id. */
  readonly boardsFolder: string;
  /** What the head-end's registry is told of the boards, out of band. */
  readonly devices: readonly DeviceRecord[];
}

/** The certificate authority, the head-end's identity and one a board; made where missing, else as they are. */
export async function prepareIdentities(
  caFolder: string,
  identitiesFolder: string,
  files: readonly BoardFile[],
): Promise<CampusIdentities> {
  const ca = await CertificateAuthority.openOrCreate(caFolder, { passphrase: campusPassphrase(caFolder) });
  const serverFolder = join(identitiesFolder, 'head-end');
  const boardsFolder = join(identitiesFolder, 'boards');
  await loadOrCreateIdentity(serverFolder, { ca, serial: 'head-end', hosts: ['localhost', '127.0.0.1'] });
  const devices = await Promise.all(
    files.map(async (file): Promise<DeviceRecord> => {
      const { lfdi } = await loadOrCreateIdentity(join(boardsFolder, file.meterId), { ca, serial: file.meterId });
      return {
        meterId: file.meterId,
        name: file.name,
        building: file.building,
        zone: file.zone,
        ratedW: file.devices.inverter?.ratedW ?? 0,
        storageWh: file.devices.battery?.capacityWh ?? 0,
        lfdi: formatLfdi(lfdi),
      };
    }),
  );
  return { serverFolder, boardsFolder, devices };
}
