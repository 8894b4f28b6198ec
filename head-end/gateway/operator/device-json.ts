import { type Static, Type } from 'typebox';
import { formatLfdi } from '#ieee2030_5/identity.ts';
import type { Device, Registry } from '../../registry/devices.ts';
import { isValidConnectionPointId } from '../../server/connection-point.ts';
import type { ResourceStore } from '../../server/resource-store.ts';
import { absent, unfit } from './refusals.ts';

const rate = (what: string) =>
  Type.Integer({ minimum: 1, maximum: 4_294_967_295, description: `Seconds between ${what}` });

/** What an operator may say of a device, and change. */
export const deviceFacts = {
  name: Type.String({ maxLength: 100, description: 'Of the building, for people' }),
  description: Type.String({ maxLength: 1000 }),
  pin: Type.Integer({
    minimum: 0,
    maximum: 999_999,
    description: 'Registration PIN: five digits and their check digit',
  }),
  aggregator: Type.String({ description: 'Id of the device whose certificate may act for this one' }),
  isAggregator: Type.Boolean({ description: 'Its certificate may register other devices in band, as its own' }),
  postRate: rate('posts of this device'),
  pollRate: rate('polls of any resource by this device'),
  deviceCategory: Type.String({ pattern: '^([0-9A-Fa-f]{2}){1,4}$', description: 'Bits of DeviceCategoryType, hex' }),
  connectionPointId: Type.String({ maxLength: 32, description: 'CSIP-AUS: National Metering Identifier' }),
};
const lfdi = Type.String({ pattern: '^[0-9A-Fa-f]{40}$', description: 'Of its certificate' });
const meterId = Type.String({ pattern: '^[\\w.:-]{1,64}$', description: 'Name that it keeps; its LFDI unless given' });

export const NewDeviceSchema = Type.Object(
  { lfdi, meterId: Type.Optional(meterId), ...Type.Partial(Type.Object(deviceFacts)).properties },
  { additionalProperties: false, title: 'NewDevice' },
);
export type NewDevice = Static<typeof NewDeviceSchema>;

const removable = ['pin', 'aggregator', 'postRate', 'pollRate', 'deviceCategory', 'connectionPointId'] as const;
const orNull = <S extends (typeof deviceFacts)[(typeof removable)[number]]>(schema: S) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

/** A merge patch (RFC 7396): what is not named stays, null takes a fact away. */
export const DevicePatchSchema = Type.Object(
  {
    name: Type.Optional(deviceFacts.name),
    description: Type.Optional(deviceFacts.description),
    isAggregator: Type.Optional(deviceFacts.isAggregator),
    pin: orNull(deviceFacts.pin),
    aggregator: orNull(deviceFacts.aggregator),
    postRate: orNull(deviceFacts.postRate),
    pollRate: orNull(deviceFacts.pollRate),
    deviceCategory: orNull(deviceFacts.deviceCategory),
    connectionPointId: orNull(deviceFacts.connectionPointId),
  },
  { additionalProperties: false, title: 'DevicePatch' },
);
export type DevicePatch = Static<typeof DevicePatchSchema>;

export const DeviceSchema = Type.Object(
  {
    id: Type.String({ description: 'In paths of this interface' }),
    href: Type.String({ description: 'Of its EndDevice on the 2030.5 side' }),
    meterId: Type.String(),
    lfdi,
    sfdi: Type.Integer(),
    ...Type.Partial(Type.Object(deviceFacts)).properties,
    building: Type.Optional(Type.String()),
    zone: Type.Optional(Type.String()),
    ratedW: Type.Optional(Type.Integer()),
    storageWh: Type.Optional(Type.Integer()),
    certificate: Type.Optional(
      Type.Object(
        {
          number: Type.String({ description: 'Its own number, hexadecimal' }),
          notAfter: Type.Integer({ description: 'When it ends, Unix s of wall time' }),
        },
        { additionalProperties: false },
      ),
    ),
    isRevoked: Type.Boolean({ description: 'Its certificate is revoked' }),
    quarantine: Type.Optional(
      Type.Object(
        { since: Type.Integer({ description: 'Unix s' }), reason: Type.String() },
        { additionalProperties: false },
      ),
    ),
    registeredAt: Type.Integer({ description: 'Unix s' }),
    changedAt: Type.Integer({ description: 'Unix s' }),
  },
  { additionalProperties: false, title: 'Device' },
);

/** In the paths of the operators' interface: what the board's file calls it, or else its LFDI. */
export const deviceId = ({ meterId: id }: Device): string => id;

/** By meterId or LFDI; `GTX-OPR-001`, or `GTX-OPR-002` at a place of the body. */
export function deviceOf(registry: Registry, id: string | undefined, pointer?: string): Device {
  const device = registry.byMeterId(id ?? '') ?? registry.byLfdi((id ?? '').toUpperCase());
  if (device !== undefined) return device;
  if (pointer === undefined) throw absent(`device ${id}`, '/api/v1/devices');
  throw unfit(pointer, `there is no device ${id}`, 'GET /api/v1/devices lists the devices.');
}

/** Throws `GTX-OPR-002` for what is no National Metering Identifier. */
export function checkConnectionPoint(id: string): void {
  if (isValidConnectionPointId(id)) return;
  const hint = 'A National Metering Identifier has ten letters and digits, and a check digit that may be left out.';
  throw unfit('/connectionPointId', `${JSON.stringify(id)} is no connection point`, hint);
}

export const connectionPointOf = ({ id }: Device): string => `/edev/${id}/cp`;

export function deviceJson(device: Device, registry: Registry, store: ResourceStore): Static<typeof DeviceSchema> {
  const { id, aggregator, deviceCategory, name, description, isAggregator, sfdi, meterId: meter } = device;
  const { building, zone, ratedW, storageWh, pin, postRate, pollRate, registeredAt, changedAt } = device;
  const acting = aggregator === undefined ? undefined : registry.byId(aggregator);
  const connection = store.document(connectionPointOf(device), 'ConnectionPoint');
  const known = {
    building,
    zone,
    ratedW,
    storageWh,
    pin,
    postRate,
    pollRate,
    aggregator: acting && deviceId(acting),
    deviceCategory: deviceCategory && formatLfdi(deviceCategory),
    connectionPointId: connection?.connectionPointId,
    certificate: device.certificate,
    quarantine: device.quarantine,
  };
  const present = Object.entries(known).filter(([, fact]) => fact !== undefined) as [keyof typeof known, never][];
  const identity = { id: deviceId(device), href: `/edev/${id}`, meterId: meter, lfdi: device.lfdi, sfdi };
  const { isRevoked } = device;
  return {
    ...identity,
    name,
    description,
    isAggregator,
    isRevoked,
    ...Object.fromEntries(present),
    registeredAt,
    changedAt,
  };
}
