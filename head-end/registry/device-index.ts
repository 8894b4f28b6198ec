import { never } from '#provisioning/certificates.ts';
import { type Device, takesPart } from './device.ts';

/**
 * What the registry says of an LFDI. `in-force`: it is a device's · `pending`: issued, its device has not come with it
 * yet · `retired`: another took its place · `revoked`, `quarantined`, `removed`: refused · `unknown`: never heard of.
 */
export type Standing = 'in-force' | 'pending' | 'retired' | 'revoked' | 'quarantined' | 'removed' | 'unknown';

/** The devices in memory, so that a request costs one look-up, and what is known of LFDIs that are no device's now. */
export class DeviceIndex {
  readonly #byLfdi = new Map<string, Device>();
  readonly #byMeterId = new Map<string, Device>();
  readonly #byId = new Map<number, Device>();
  /**
   * LFDIs that are refused for good. Not in it are retired ones whose certificate ends: such are let in only while
   * they are in force, so that renewals leave nothing behind in memory.
   */
  readonly #closed = new Map<string, 'retired' | 'revoked' | 'removed'>();
  /** The devices that have not come with their new certificate yet, by its LFDI. */
  readonly #pending = new Map<string, number>();
  #all: readonly Device[] = [];
  /** The device itself, then those that it acts for; made anew after every change. */
  #actingFor = new Map<number, readonly Device[]>();

  /** Whoever has the LFDI, also where it is refused. */
  holderOf(lfdi: string): Device | undefined {
    return this.#byLfdi.get(lfdi);
  }

  /** The device that this LFDI stands for; one that is retired, revoked or of a device in quarantine stands for none. */
  byLfdi(lfdi: string): Device | undefined {
    const device = this.#byLfdi.get(lfdi);
    return device !== undefined && takesPart(device) ? device : undefined;
  }

  byMeterId(meterId: string): Device | undefined {
    return this.#byMeterId.get(meterId);
  }

  byId(id: number): Device | undefined {
    return this.#byId.get(id);
  }

  /** The device that an LFDI was offered to, which has not come with it yet. */
  awaited(lfdi: string): Device | undefined {
    return this.#byId.get(this.#pending.get(lfdi) ?? Number.NaN);
  }

  /** Every device, by meterId. */
  all(): readonly Device[] {
    return this.#all;
  }

  /** The devices that a device's certificate may act for: itself first, then those of which it is the aggregator. */
  actingFor(device: Device): readonly Device[] {
    const known = this.#actingFor.get(device.id);
    if (known !== undefined) return known;
    const isUnder = (one: Device): boolean =>
      one.aggregator === device.id && one.id !== device.id && one.quarantine === undefined;
    const devices = [device, ...this.#all.filter(isUnder)];
    this.#actingFor.set(device.id, devices);
    return devices;
  }

  standingOf(lfdi: string): Standing {
    const device = this.#byLfdi.get(lfdi);
    if (device?.isRevoked === true) return 'revoked';
    if (device !== undefined) return device.quarantine === undefined ? 'in-force' : 'quarantined';
    return this.#closed.get(lfdi) ?? (this.#pending.has(lfdi) ? 'pending' : 'unknown');
  }

  /** An LFDI is refused for good. */
  close(lfdi: string, standing: 'retired' | 'revoked' | 'removed'): void {
    this.#closed.set(lfdi, standing);
  }

  /** An LFDI was issued for a device, which has not come with it yet. */
  await(lfdi: string, id: number): void {
    this.#pending.set(lfdi, id);
  }

  /** The device has no certificate to come with any more. */
  awaitNone(id: number): void {
    for (const [lfdi, of] of this.#pending) if (of === id) this.#pending.delete(lfdi);
  }

  /** A device has another LFDI than before, perhaps. */
  replace(before: Device | undefined, device: Device): void {
    this.awaitNone(device.id);
    this.#closed.delete(device.lfdi);
    if (device.isRevoked) this.#closed.set(device.lfdi, 'revoked');
    // One that ends is let in only while it is in force.
    if (before !== undefined && before.lfdi !== device.lfdi && endOf(before) >= never && !before.isRevoked) {
      this.#closed.set(before.lfdi, 'retired');
    }
    this.remember(device);
  }

  remember(device: Device): void {
    const before = this.#byId.get(device.id);
    if (before !== undefined) this.#byLfdi.delete(before.lfdi);
    this.#byLfdi.set(device.lfdi, device);
    this.#byMeterId.set(device.meterId, device);
    this.#byId.set(device.id, device);
    this.#changed();
  }

  forget(device: Device): void {
    this.#byLfdi.delete(device.lfdi);
    this.#byMeterId.delete(device.meterId);
    this.#byId.delete(device.id);
    this.#changed();
  }

  #changed(): void {
    this.#all = [...this.#byId.values()].toSorted((a, b) => (a.meterId < b.meterId ? -1 : 1));
    this.#actingFor = new Map();
  }
}

/** Without a certificate that is known it may last for ever. */
const endOf = ({ certificate }: Device): number => certificate?.notAfter ?? never;
