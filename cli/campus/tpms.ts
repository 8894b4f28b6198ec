import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { SwtpmFactory } from '#hal/emulated/swtpm-factory.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { FlashEntry } from '#head-end/enrolment/flash-list.ts';
import { endorsementHash } from '#provisioning/tpm/endorsement-certificate.ts';

export interface CampusTpms {
  /** A state folder a board, named by its meter id. */
  readonly folder: string;
  /** PEM of the TPMs' maker. */
  readonly makers: string;
  /** Which TPM is on which board, as it is written down when boards are flashed. */
  readonly boards: readonly FlashEntry[];
}

/** An emulated TPM a board, from a maker of their own; made where missing, else as they are. `signal` breaks it off. */
export async function prepareTpms(
  folder: string,
  files: readonly BoardFile[],
  signal: AbortSignal,
): Promise<CampusTpms> {
  const factory = new SwtpmFactory(join(folder, 'maker'));
  const states = join(folder, 'boards');
  const folders = files.map(({ meterId }) => join(states, meterId));
  const made = await factory.make(folders, signal);
  const boards = files.map(({ meterId }, i): FlashEntry => {
    const { publicKey } = new X509Certificate(made[i]!.endorsementCertificate);
    return { endorsementHash: endorsementHash(publicKey), serial: meterId, building: meterId };
  });
  return { folder: states, makers: await factory.certificates(), boards };
}
