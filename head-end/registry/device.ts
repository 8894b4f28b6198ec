import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, parseLfdi, type Sfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { type DeviceRow, type GivenColumn, givenColumns, type IdentityRow } from './device-sql.ts';

/** What an operator may say of a device, and change. */
export interface DeviceFacts {
  /** Of the building, for people. */
  readonly name: string;
  readonly description: string;
  /** The kind of building: academic, residential, …; without one the device takes no part in the market. */
  readonly building: string | undefined;
  readonly zone: string | undefined;
  /** Of the inverter, W. */
  readonly ratedW: number | undefined;
  /** Of the battery; 0 without one. */
  readonly storageWh: number | undefined;
  /** Registration PIN, five digits and their check digit. */
  readonly pin: number | undefined;
  /** The id of the device whose certificate may act for this one. */
  readonly aggregator: number | undefined;
  /** May register other devices in-band, as theirs. */
  readonly isAggregator: boolean;
  /** Bits of DeviceCategoryType, as the device or an operator says. */
  readonly deviceCategory: Uint8Array | undefined;
  /** Seconds between posts that the head-end wants of this device; the general ones unless told. */
  readonly postRate: number | undefined;
  /** Seconds between polls of any resource; the general ones unless told. */
  readonly pollRate: number | undefined;
}

/** What an operator says about a meter when it is registered; what is left out stays as it is. */
export interface Registration extends Partial<DeviceFacts> {
  readonly meterId: string;
  /** 40 hex digits, or the 20 bytes. */
  readonly lfdi: string | Uint8Array;
  /** When the LFDI becomes valid. */
  readonly at: UnixSeconds;
  /** The certificate that the LFDI is of; what was known of it stays. */
  readonly certificate?: CertificateFacts;
}

/** What the registry keeps of a certificate. */
export interface CertificateFacts {
  /** The certificate's own number, hexadecimal. */
  readonly number: string;
  /** Unix seconds of wall time. */
  readonly notAfter: UnixSeconds;
}

/** A device of the registry. Its id and meterId stay; its LFDI changes with its certificate. */
export interface Device extends DeviceFacts {
  /** Of this database; in the paths of the IEEE 2030.5 server. */
  readonly id: number;
  readonly meterId: string;
  readonly registeredAt: UnixSeconds;
  readonly changedAt: UnixSeconds;
  /** The one in force. */
  readonly lfdi: Lfdi;
  readonly sfdi: Sfdi;
  /** Where more is known than its LFDI. */
  readonly certificate: CertificateFacts | undefined;
  /** Its certificate is revoked: it is refused until it has another. */
  readonly isRevoked: boolean;
  /** While it is refused, trades nothing and is minted nothing, until an operator releases it. */
  readonly quarantine: Quarantine | undefined;
}

export interface Quarantine {
  readonly since: UnixSeconds;
  readonly reason: string;
}

/** One of the certificates that a device has had. */
export interface Identity {
  readonly lfdi: Lfdi;
  readonly sfdi: Sfdi;
  /** `pending`: issued, and not yet used by its device. */
  readonly state: 'pending' | 'in-force' | 'retired';
  readonly from: UnixSeconds;
  readonly until: UnixSeconds | undefined;
  readonly certificate: CertificateFacts | undefined;
  /** At wall time; a certificate may be revoked after it was retired. */
  readonly revoked: { readonly at: UnixSeconds; readonly reason: string } | undefined;
}

export interface DeviceChange {
  readonly kind: 'added' | 'changed' | 'removed';
  /** As it is now; as it was last, when it was removed. */
  readonly device: Device;
  /** As it was until now. */
  readonly before?: Device | undefined;
}

const factOf: Readonly<Record<GivenColumn, keyof DeviceFacts>> = {
  name: 'name',
  description: 'description',
  building: 'building',
  zone: 'zone',
  rated_w: 'ratedW',
  storage_wh: 'storageWh',
  pin: 'pin',
  aggregator_id: 'aggregator',
  is_aggregator: 'isAggregator',
  device_category: 'deviceCategory',
  post_rate: 'postRate',
  poll_rate: 'pollRate',
};

/** A fact that is not there is null to the database. */
export const columnValues = (facts: Partial<DeviceFacts>): unknown[] =>
  givenColumns.map((column) => {
    const value = facts[factOf[column]];
    return value instanceof Uint8Array ? Buffer.from(value) : (value ?? null);
  });

/** What a registration says: what it leaves undefined is left out. */
export const said = (registration: Registration): Partial<DeviceFacts> =>
  Object.fromEntries(Object.entries(registration).filter(([, fact]) => fact !== undefined));

/** Whether the device has every fact as it is given. */
export const isSame = (device: Device, given: Partial<DeviceFacts>): boolean =>
  givenColumns.every((column) => {
    const fact = factOf[column];
    if (!Object.hasOwn(given, fact)) return true;
    const [has, wants] = [device[fact], given[fact]];
    return has instanceof Uint8Array && wants instanceof Uint8Array ? Buffer.compare(has, wants) === 0 : has === wants;
  });

export function deviceOf(row: DeviceRow): Device {
  const lfdi = parseLfdi(row.lfdi);
  return {
    id: row.id,
    meterId: row.meter_id,
    name: row.name,
    description: row.description,
    building: row.building ?? undefined,
    zone: row.zone ?? undefined,
    ratedW: row.rated_w ?? undefined,
    storageWh: row.storage_wh ?? undefined,
    pin: row.pin ?? undefined,
    aggregator: row.aggregator_id ?? undefined,
    isAggregator: row.is_aggregator,
    deviceCategory: row.device_category ?? undefined,
    postRate: row.post_rate ?? undefined,
    pollRate: row.poll_rate ?? undefined,
    registeredAt: UnixSeconds(row.registered_at),
    changedAt: UnixSeconds(row.changed_at ?? row.registered_at),
    lfdi,
    sfdi: sfdiOf(lfdi),
    certificate: certificateOf(row),
    isRevoked: row.revoked_at !== null,
    quarantine:
      row.quarantined_at === null
        ? undefined
        : { since: UnixSeconds(row.quarantined_at), reason: row.quarantine_reason ?? '' },
  };
}

const certificateOf = ({
  serial,
  not_after,
}: Pick<IdentityRow, 'serial' | 'not_after'>): CertificateFacts | undefined =>
  serial === null || not_after === null ? undefined : { number: serial, notAfter: UnixSeconds(not_after) };

export function identityOf(row: IdentityRow): Identity {
  const lfdi = parseLfdi(row.lfdi);
  return {
    lfdi,
    sfdi: sfdiOf(lfdi),
    state: row.pending ? 'pending' : row.retired_at === null ? 'in-force' : 'retired',
    from: UnixSeconds(row.valid_from),
    until: row.retired_at === null ? undefined : UnixSeconds(row.retired_at),
    certificate: certificateOf(row),
    revoked:
      row.revoked_at === null
        ? undefined
        : { at: UnixSeconds(row.revoked_at), reason: row.revocation_reason ?? 'unspecified' },
  };
}

/**
 * Whether a device takes part now: is let in, is told things, orders, trades, and may have energy minted for it. The
 * one place that says so; everything that acts for a device asks it, of the device as it is at that moment.
 */
export const takesPart = ({ isRevoked, quarantine }: Pick<Device, 'isRevoked' | 'quarantine'>): boolean =>
  !isRevoked && quarantine === undefined;
