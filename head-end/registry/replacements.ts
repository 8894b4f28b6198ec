import type { Clock } from '#hal/clock.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { ReadingStore } from '../readings/store.ts';
import type { SecurityLog } from '../security-log.ts';
import type { Device, Registry } from './devices.ts';

export interface Replacement {
  /** Of the new board's or TPM's certificate; undefined where the certificate stays, as when clamps are replaced. */
  readonly lfdi: Lfdi | undefined;
  /** `anew`: the registers count from another value now. `kept`: they go on. */
  readonly registers: 'anew' | 'kept';
  readonly reason: string;
  readonly actor: string;
}

export interface ReplacementParts {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly readings: Pick<ReadingStore, 'swapRegisters'>;
  readonly securityLog: SecurityLog;
}

/**
 * A board, its TPM or its clamps are replaced in a building: the building stays one device with one market position and
 * registers that never jump, and the old certificate is retired.
 */
export class Replacements {
  readonly #parts: ReplacementParts;

  constructor(parts: ReplacementParts) {
    this.#parts = parts;
  }

  /** Rejects with `GTX-REG-001` when the LFDI belongs to another meter. */
  async replace(device: Device, { lfdi, registers, reason, actor }: Replacement): Promise<void> {
    const { clock, registry, readings, securityLog } = this.#parts;
    const at = clock.now();
    // A refusal leaves the registers as they are.
    if (lfdi !== undefined) await registry.checkFree(lfdi, device.meterId);
    // First, so that nothing the new board posts is taken for the old one's.
    if (registers === 'anew') await readings.swapRegisters(device.id, at);
    if (lfdi !== undefined) await registry.register({ meterId: device.meterId, lfdi, at });
    const now = lfdi === undefined ? {} : { retired: device.lfdi, lfdi };
    await securityLog.record({
      kind: 'replacement',
      actor,
      subject: device.meterId,
      detail: { registers, reason, ...now },
    });
  }
}
