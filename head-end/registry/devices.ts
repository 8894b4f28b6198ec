import type { Pool } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Lfdi, parseLfdi } from '#ieee2030_5/identity.ts';
import { never } from '#provisioning/certificates.ts';
import { inTransaction, Turns } from '../database/transaction.ts';
import {
  type CertificateFacts,
  columnValues,
  type Device,
  type DeviceChange,
  type DeviceFacts,
  deviceOf,
  type Identity,
  identityOf,
  isSame,
  type Registration,
  said,
  takesPart,
} from './device.ts';
import { DeviceIndex, type Standing } from './device-index.ts';
import { type DeviceRow, type IdentityRow, sql } from './device-sql.ts';
import { notInForce, putLfdi, read, store, taken } from './device-store.ts';

export type { Standing } from './device-index.ts';
export type { CertificateFacts, Device, DeviceChange, DeviceFacts, Identity, Registration } from './device.ts';

/** So many of a device's certificates are listed, the newest. */
const mostIdentities = 100;

/** Who may speak to the head-end. All devices are kept in memory, so that a request costs one look-up. */
export class Registry {
  readonly #pool: Pool;
  readonly #turns = new Turns();
  readonly #index = new DeviceIndex();
  readonly #listeners = new Set<(change: DeviceChange) => void>();

  constructor({ pool }: { readonly pool: Pool }) {
    this.#pool = pool;
  }

  /** Loads the devices that were registered before. */
  async start(): Promise<void> {
    const { rows } = await this.#pool.query<DeviceRow>(sql.allDevices);
    for (const row of rows) this.#index.remember(deviceOf(row));
    const closed = await this.#pool.query<{ lfdi: Buffer; standing: 'retired' | 'revoked' }>(sql.closed, [
      wallSeconds(),
      never,
    ]);
    for (const { lfdi, standing } of closed.rows) this.#index.close(parseLfdi(lfdi), standing);
    const barred = await this.#pool.query<{ lfdi: Buffer }>(sql.barred);
    for (const { lfdi } of barred.rows) this.#index.close(parseLfdi(lfdi), 'removed');
    const pending = await this.#pool.query<Pick<IdentityRow, 'lfdi' | 'device_id'>>(sql.pending);
    for (const { lfdi, device_id } of pending.rows) this.#index.await(parseLfdi(lfdi), device_id);
  }

  /**
   * Registers a device, or brings what is known of it up to date; doing it twice changes nothing. An LFDI that
   * differs from the device's present one takes its place, and the present one is retired, in one transaction. Rejects with `GTX-REG-001`
   * when the LFDI belongs to another meter, and with `GTX-REG-002` when its aggregator is not a device.
   */
  register(registration: Registration): Promise<Device> {
    return this.#turns.take(async () => {
      const lfdi = parseLfdi(registration.lfdi);
      const holder = this.#index.holderOf(lfdi);
      if (holder !== undefined && holder.meterId !== registration.meterId) throw taken(lfdi, holder.meterId);
      if (holder !== undefined && isSame(holder, said(registration)) && hasCertificate(holder, registration))
        return holder;
      this.#checkAggregator(registration.aggregator, holder?.id);
      const before = this.#index.byMeterId(registration.meterId);
      const device = await inTransaction(this.#pool, (client) => store(client, registration, lfdi));
      this.#index.replace(before, device);
      this.#announce({ kind: before === undefined ? 'added' : 'changed', device, before });
      return device;
    });
  }

  /**
   * Keeps a certificate that was issued for a device until the device comes with it (`activate`); one that was issued
   * before and never used is forgotten. Rejects with `GTX-REG-001` when the LFDI is known already, `GTX-REG-003` when
   * `replaces` is not the device's LFDI in force.
   */
  offer(
    id: number,
    offered: { readonly lfdi: Lfdi; readonly replaces: Lfdi; readonly certificate: CertificateFacts },
    at: UnixSeconds,
  ): Promise<void> {
    return this.#turns.take(async () => {
      const { lfdi, replaces, certificate } = offered;
      const device = this.#index.holderOf(replaces);
      if (device?.id !== id) throw notInForce(replaces);
      await inTransaction(this.#pool, async (client) => {
        await client.query(sql.dropPending, [id]);
        await putLfdi(client, { lfdi, device, at, certificate, isPending: true });
      });
      this.#index.awaitNone(id);
      this.#index.await(lfdi, id);
    });
  }

  /**
   * A device has come with its new certificate: its LFDI comes into force and the one before is retired, in one
   * transaction; again, it changes nothing. Rejects with `GTX-REG-003` for an LFDI that was not offered.
   */
  activate(lfdi: Lfdi, at: UnixSeconds): Promise<Device> {
    return this.#turns.take(async () => {
      const known = this.#index.holderOf(lfdi);
      if (known !== undefined) return known;
      const before = this.#index.awaited(lfdi);
      if (before === undefined) throw notInForce(lfdi);
      const device = await inTransaction(this.#pool, async (client) => {
        await client.query(sql.retireOthers, [before.id, Buffer.from(lfdi, 'hex'), at]);
        await putLfdi(client, { lfdi, device: before, at, isPending: false });
        return read(client, before.id);
      });
      this.#index.replace(before, device);
      this.#announce({ kind: 'changed', device, before });
      return device;
    });
  }

  /** Refuses a certificate from now on, whosever it is; answers whether that is news. `at` is wall time. */
  revoke(lfdi: Lfdi, { at, reason }: { readonly at: UnixSeconds; readonly reason: string }): Promise<boolean> {
    return this.#turns.take(async () => {
      const values = [Buffer.from(lfdi, 'hex'), at, reason];
      const { rows } = await this.#pool.query<{ device_id: number }>(sql.revokeLfdi, values);
      const isNews = rows.length > 0;
      if (isNews) this.#index.close(lfdi, 'revoked');
      const before = this.#index.byId(rows[0]?.device_id ?? Number.NaN);
      if (before?.lfdi === lfdi) this.#change(before, { ...before, isRevoked: true });
      return isNews;
    });
  }

  /** Refuses a device, or lets it in again; answers the device, or undefined for none. Reversible, and idempotent. */
  quarantine(id: number, quarantine: Device['quarantine']): Promise<Device | undefined> {
    return this.#turns.take(async () => {
      const before = this.#index.byId(id);
      if (before === undefined || (before.quarantine === undefined) === (quarantine === undefined)) return before;
      await this.#pool.query(sql.quarantine, [id, quarantine?.since ?? null, quarantine?.reason ?? null]);
      const device = { ...before, quarantine };
      this.#change(before, device);
      return device;
    });
  }

  /** The certificates that a device has had, the newest first; 100 at most. */
  async identities(id: number): Promise<Identity[]> {
    const { rows } = await this.#pool.query<IdentityRow>(sql.identities, [id, mostIdentities]);
    return rows.map(identityOf);
  }

  /** Changes what is known of a device; `undefined` takes a fact away. Answers the device, or undefined for none. */
  update(id: number, facts: Partial<DeviceFacts>, at: UnixSeconds): Promise<Device | undefined> {
    return this.#turns.take(async () => {
      const known = this.#index.byId(id);
      if (known === undefined) return undefined;
      if (isSame(known, facts)) return known;
      this.#checkAggregator(facts.aggregator, id);
      const values = [id, at, ...columnValues({ ...known, ...facts })];
      const device = await inTransaction(this.#pool, async (client) => {
        await client.query(sql.updateDevice, values);
        return read(client, id);
      });
      this.#index.remember(device);
      this.#announce({ kind: 'changed', device, before: known });
      return device;
    });
  }

  /**
   * Removes a device: its certificate is refused from then on, its readings stay. One that an operator removes is
   * barred: it does not come back by registering itself. Answers whether there was one.
   */
  remove(id: number, { at, barred }: { readonly at: UnixSeconds; readonly barred: boolean }): Promise<boolean> {
    return this.#turns.take(async () => {
      const device = this.#index.byId(id);
      if (device === undefined) return false;
      await inTransaction(this.#pool, async (client) => {
        await client.query(sql.removeDevice, [id, at, barred]);
        await client.query(sql.retireAll, [id, at]);
        await client.query(sql.leaveAggregator, [id]);
      });
      if (barred) this.#index.close(device.lfdi, 'removed');
      this.#index.awaitNone(id);
      const orphans = this.#index.all().filter(({ aggregator }) => aggregator === id);
      this.#index.forget(device);
      for (const orphan of orphans) this.#index.remember({ ...orphan, aggregator: undefined });
      this.#announce({ kind: 'removed', device, before: device });
      return true;
    });
  }

  /** The device that this LFDI stands for; one that is retired, revoked or of a device in quarantine stands for none. */
  byLfdi(lfdi: string): Device | undefined {
    return this.#index.byLfdi(lfdi);
  }

  /**
   * The meter whose certificate an LFDI is or was, however long ago, and whether another took its place or it is
   * revoked; undefined for one that nobody has had, or whose device was removed.
   */
  async holderOf(lfdi: Lfdi): Promise<{ readonly meterId: string; readonly isOver: boolean } | undefined> {
    const values = [Buffer.from(lfdi, 'hex')];
    const { rows } = await this.#pool.query<{ meter_id: string; is_over: boolean }>(sql.holder, values);
    const [row] = rows;
    return row && { meterId: row.meter_id, isOver: row.is_over };
  }

  /** Rejects with `GTX-REG-001` when an LFDI is, or was, of another meter than this one. */
  async checkFree(lfdi: Lfdi, meterId: string): Promise<void> {
    const holder = await this.holderOf(lfdi);
    if (holder !== undefined && holder.meterId !== meterId) throw taken(lfdi, holder.meterId);
  }

  standingOf(lfdi: string): Standing {
    return this.#index.standingOf(lfdi);
  }

  /** Whether a meter is of a device that takes part now: what market and minting ask. */
  takesPart(meterId: string): boolean {
    const device = this.#index.byMeterId(meterId);
    return device !== undefined && takesPart(device);
  }

  byMeterId(meterId: string): Device | undefined {
    return this.#index.byMeterId(meterId);
  }

  byId(id: number): Device | undefined {
    return this.#index.byId(id);
  }

  /** Every device, by meterId. */
  all(): readonly Device[] {
    return this.#index.all();
  }

  /** The devices that a device's certificate may act for: itself first, then those of which it is the aggregator. */
  actingFor(device: Device): readonly Device[] {
    return this.#index.actingFor(device);
  }

  /** Whether an LFDI may not register itself: what is refused does not come back that way. */
  isBarred(lfdi: string): boolean {
    const standing = this.standingOf(lfdi);
    return standing !== 'unknown' && standing !== 'in-force';
  }

  onChange(listener: (change: DeviceChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #announce(change: DeviceChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #checkAggregator(aggregator: number | undefined, id: number | undefined): void {
    if (aggregator === undefined || (aggregator !== id && this.#index.byId(aggregator) !== undefined)) return;
    throw new GridError('GTX-REG-002', `Device ${aggregator} cannot be the aggregator: it is not another device here`, {
      hint: 'Register the aggregator first.',
      kind: 'input',
    });
  }

  #change(before: Device, device: Device): void {
    this.#index.remember(device);
    this.#announce({ kind: 'changed', device, before });
  }
}

const hasCertificate = ({ certificate }: Device, { certificate: given }: Registration): boolean =>
  given === undefined || (certificate?.number === given.number && certificate.notAfter === given.notAfter);
