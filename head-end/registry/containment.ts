import type { Clock } from '#hal/clock.ts';
import type { MarketDesk } from '../market/desk.ts';
import type { SecurityLog } from '../security-log.ts';
import type { Device, Registry } from './devices.ts';

export interface ContainmentParts {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly desk: Pick<MarketDesk, 'withdrawAll'>;
  readonly securityLog: SecurityLog;
}

/**
 * Puts a device in quarantine: its sessions end and it is refused, so that nothing it says is stored, bought, sold or
 * minted any more; its open orders are withdrawn. What was cleared before stands. A release undoes all but the orders.
 */
export class Containment {
  readonly #parts: ContainmentParts;

  constructor(parts: ContainmentParts) {
    this.#parts = parts;
  }

  /** Idempotent; resolves when nothing of the device's goes on. `actor`: who says so. */
  async quarantine({ id }: Device, reason: string, actor: string): Promise<Device | undefined> {
    const { registry, desk, clock, securityLog } = this.#parts;
    const device = await registry.quarantine(id, { since: clock.now(), reason });
    if (device === undefined) return undefined;
    const orders = await desk.withdrawAll(device.meterId);
    await securityLog.record({ kind: 'quarantine', actor, subject: device.meterId, detail: { reason, orders } });
    return device;
  }

  /** Lets the device in again, from its next handshake on. */
  async release({ id }: Device, actor: string): Promise<Device | undefined> {
    const { registry, securityLog } = this.#parts;
    const device = await registry.quarantine(id, undefined);
    if (device !== undefined) await securityLog.record({ kind: 'release', actor, subject: device.meterId });
    return device;
  }

  /** After a restart: orders that a crash kept from being withdrawn. */
  async resume(): Promise<void> {
    const { registry, desk } = this.#parts;
    for (const { meterId, quarantine } of registry.all()) if (quarantine !== undefined) await desk.withdrawAll(meterId);
  }
}
