import { join } from 'node:path';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { GridError } from '#hal/errors.ts';
import { inParallel } from '#hal/parallel.ts';
import { type DeviceIdentity, loadIdentity } from '#provisioning/identity-files.ts';
import { isTpmKeyPem, loadTpmProvider, type TpmProvider } from '#provisioning/tpm/provider/provider.ts';
import { emulatorAt } from '../identity/tpm-address.ts';
import type { TpmIdentities } from '../identity/tpm-identities.ts';
import type { FleetConfig } from './protocol.ts';

/** TPMs that are started, and boards that enrol, at the same time. */
const mostAtOnce = 4;

/** What the boards of a fleet prove themselves with: keys in files, or in an emulated TPM each. */
export class BoardIdentities implements AsyncDisposable {
  readonly #config: Pick<FleetConfig, 'identitiesFolder' | 'tpms'>;
  readonly #emulators: Swtpm[] = [];
  readonly #inTpm = new Map<string, TpmIdentities>();
  readonly #used = new Map<string, DeviceIdentity>();
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

  /**
   * Renews the certificates that are due. A board that is refused, or does not reach the head-end, goes on with the one
   * that it has as long as that lasts: `onFailure` is told.
   */
  async renew(origin: string, onFailure: (meterId: string, error: unknown) => void): Promise<void> {
    await inParallel([...this.#inTpm], mostAtOnce, async ([meterId, identities]) => {
      await identities.renew(origin).catch((error: unknown) => onFailure(meterId, error));
    });
  }

  /** What a board's TLS uses. Rejects with GTX-FLT-004 for a board whose key is in a TPM and that is not enrolled. */
  async of(meterId: string): Promise<DeviceIdentity> {
    const identity = await this.#read(meterId);
    this.#used.set(meterId, identity);
    return identity;
  }

  /** Whether the key is in a TPM by which a board's TLS proves itself. */
  isInTpm(meterId: string): boolean {
    return isTpmKeyPem(this.#used.get(meterId)?.keyPem ?? '');
  }

  /** Made by TPMs for TLS since this process began. */
  get tpmSignatures(): number {
    return this.#provider?.statistics().signatures ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#inTpm.values()].map((identities) => identities[Symbol.asyncDispose]()));
    await Promise.all(this.#emulators.map((emulator) => emulator[Symbol.asyncDispose]()));
  }

  async #read(meterId: string): Promise<DeviceIdentity> {
    if (this.#config.tpms === undefined) return loadIdentity(join(this.#config.identitiesFolder, meterId));
    const identity = await this.#inTpm.get(meterId)?.load('operational');
    if (identity !== undefined) return identity;
    throw new GridError('GTX-FLT-004', `The board ${meterId} is not enrolled`);
  }
}
