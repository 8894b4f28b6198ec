import { join } from 'node:path';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { GridError } from '#hal/errors.ts';
import { inParallel } from '#hal/parallel.ts';
import { loadTpmProvider, type TpmProvider } from '#provisioning/tpm/provider/provider.ts';
import { emulatorAt } from '#provisioning/tpm/tpm-address.ts';
import { type IdentityStore, identityInFiles, identityInTpm } from '../identity/identity-store.ts';
import type { TpmIdentities } from '../identity/tpm-identities.ts';
import type { FleetConfig } from './protocol.ts';

/** TPMs that are started, and boards that enrol, at the same time. */
const mostAtOnce = 4;

/** What the boards of a fleet prove themselves with: keys in files, or in an emulated TPM each. */
export class BoardIdentities implements AsyncDisposable {
  readonly #config: Pick<FleetConfig, 'identitiesFolder' | 'tpms'>;
  readonly #emulators: Swtpm[] = [];
  readonly #inTpm = new Map<string, TpmIdentities>();
  #provider: TpmProvider | undefined;

  constructor(config: Pick<FleetConfig, 'identitiesFolder' | 'tpms'>) {
    this.#config = config;
  }

  /**
   * Starts the TPMs, and what lets TLS sign in them; nothing where keys are in files. Rejects as `Swtpm` and
   * `loadTpmProvider` do.
   */
  async start(meterIds: readonly string[]): Promise<void> {
    const { tpms, identitiesFolder } = this.#config;
    if (tpms === undefined) return;
    this.#provider = await loadTpmProvider();
    // Boards with keys in files need none of it.
    const { TpmIdentities } = await import('../identity/tpm-identities.ts');
    await inParallel(meterIds, mostAtOnce, async (meterId) => {
      const emulator = new Swtpm(join(tpms.folder, meterId));
      this.#emulators.push(emulator);
      await emulator.start();
      const identities = new TpmIdentities(emulatorAt('127.0.0.1', emulator.port), join(identitiesFolder, meterId));
      this.#inTpm.set(meterId, identities);
      await identities.start();
    });
  }

  /** Enrols the boards that are not yet; answers how many those were. */
  async enrol(url: string): Promise<number> {
    const { tpms } = this.#config;
    if (tpms === undefined) return 0;
    const { EnrolmentClient } = await import('../identity/enrolment-client.ts');
    const enrolled = await inParallel([...this.#inTpm], mostAtOnce, async ([meterId, identities]) => {
      await using client = new EnrolmentClient(url, tpms.ca);
      return await identities.enrol(client, { serial: meterId, building: meterId }, tpms.ca);
    });
    return enrolled.filter((roles) => roles.length > 0).length;
  }

  /** Where a board's identity is kept: in its TPM or in files, never in files for want of a TPM. Throws GTX-FLT-004. */
  storeOf(meterId: string): IdentityStore {
    const { tpms, identitiesFolder } = this.#config;
    if (tpms === undefined) return identityInFiles(join(identitiesFolder, meterId));
    const inTpm = this.#inTpm.get(meterId);
    if (inTpm === undefined) throw new GridError('GTX-FLT-004', `No TPM was started for the board ${meterId}`);
    return identityInTpm(inTpm);
  }

  /** Made by TPMs for TLS since this process began. */
  get tpmSignatures(): number {
    return this.#provider?.statistics().signatures ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#inTpm.values()].map((identities) => identities[Symbol.asyncDispose]()));
    await Promise.all(this.#emulators.map((emulator) => emulator[Symbol.asyncDispose]()));
  }
}
