import { hasValidCheckDigit, parseLfdi } from '#ieee2030_5/identity.ts';
import { type JsonObject, toJson } from '#ieee2030_5/json.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';
import type { Device, DeviceFacts } from '../../registry/devices.ts';
import type { StoredResource } from '../../server/resource-store.ts';
import {
  checkConnectionPoint,
  connectionPointOf,
  deviceId,
  deviceJson,
  deviceOf,
  type DevicePatch,
  DevicePatchSchema,
  DeviceSchema,
  NewDeviceSchema,
} from './device-json.ts';
import { apiBase, itemsOf, type OperatorParts, type OperatorRoute, reference } from './operation.ts';
import { checked, conflict, unfit } from './refusals.ts';

const tag = 'devices';
const path = '/devices/{device}';
const device = { schema: reference('Device') };

/** Devices: registration out of band, what is known of each, and its removal. */
export const deviceRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/devices',
    operation: {
      id: 'listDevices',
      tag,
      needs: 'read',
      summary: 'Every device, by its id',
      answers: { 200: { what: 'The list', schema: itemsOf(device.schema) } },
    },
    handle: ({ parts }) => {
      const items = parts.registry.all().map((one) => json(one, parts));
      return { status: 200, body: { items } };
    },
  },
  {
    method: 'POST',
    path: '/devices',
    operation: {
      id: 'addDevice',
      tag,
      needs: 'operate',
      summary: 'Registers a device out of band, by the LFDI of its certificate',
      body: {
        schema: reference('NewDevice'),
        example: { lfdi: '3E4F45AB31EDFE5B67E343E5E4562E31984E23E5', pin: 111_115 },
      },
      answers: { 201: { what: 'As it was registered; Location has its path', ...device } },
      refusals: [409, 413, 422],
    },
    handle: async ({ parts, body }) => {
      const { lfdi: text, meterId: given, ...facts } = checked(NewDeviceSchema, body);
      const lfdi = parseLfdi(text);
      const meterId = given ?? lfdi;
      const known = parts.registry.byLfdi(lfdi) ?? parts.registry.byMeterId(meterId);
      if (known !== undefined) {
        const hint = `PATCH ${apiBase}/devices/${deviceId(known)} changes what is known of it.`;
        throw conflict(`${deviceId(known)} is registered already`, hint);
      }
      const { clock, registry } = parts;
      const { connectionPointId, ...others } = factsOf(facts, parts);
      const added = await registry.register({ meterId, lfdi, at: clock.now(), name: meterId, ...others });
      await setConnectionPoint(added, connectionPointId, parts);
      const location = `${apiBase}/devices/${encodeURIComponent(deviceId(added))}`;
      return { status: 201, location, body: json(added, parts) };
    },
  },
  {
    method: 'GET',
    path,
    operation: {
      id: 'getDevice',
      tag,
      needs: 'read',
      summary: 'One device, by its meterId or LFDI',
      answers: { 200: { what: 'As it is known', ...device } },
      refusals: [404],
    },
    handle: ({ parts, params }) => ({ status: 200, body: json(deviceOf(parts.registry, params['device']), parts) }),
  },
  {
    method: 'PATCH',
    path,
    operation: {
      id: 'changeDevice',
      tag,
      needs: 'operate',
      summary: 'Changes what is known of a device; null takes a fact away',
      body: { schema: reference('DevicePatch'), example: { postRate: 60, aggregator: null } },
      answers: { 200: { what: 'As it is known now', ...device } },
      refusals: [404, 413, 422],
    },
    handle: async ({ parts, params, body }) => {
      const { clock, registry } = parts;
      const known = deviceOf(registry, params['device']);
      const { connectionPointId, ...facts } = factsOf(checked(DevicePatchSchema, body), parts);
      await registry.update(known.id, facts, clock.now());
      await setConnectionPoint(known, connectionPointId, parts);
      return { status: 200, body: json(deviceOf(registry, deviceId(known)), parts) };
    },
  },
  {
    method: 'DELETE',
    path,
    operation: {
      id: 'removeDevice',
      tag,
      needs: 'operate',
      summary: 'Removes a device: its certificate is refused from then on, its readings stay',
      answers: { 204: null },
      refusals: [404],
    },
    handle: async ({ parts, params }) => {
      await parts.sep.removeDevice(deviceOf(parts.registry, params['device']).id, { barred: true });
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: `${path}/responses`,
    operation: {
      id: 'listDeviceResponses',
      tag,
      needs: 'building',
      summary: 'What a device answered to events, the oldest first',
      answers: { 200: { what: 'Responses, each with the name of its kind', schema: itemsOf(reference('Told')) } },
      refusals: [404],
    },
    handle: ({ parts, params }) => {
      const { id } = deviceOf(parts.registry, params['device']);
      return { status: 200, body: { items: parts.sep.responses.of(id).map(told) } };
    },
  },
  {
    method: 'GET',
    path: `${path}/log-events`,
    operation: {
      id: 'listDeviceLogEvents',
      tag,
      needs: 'building',
      summary: "A device's log, the newest first",
      answers: { 200: { what: 'LogEvents', schema: itemsOf(reference('Told')) } },
      refusals: [404],
    },
    handle: ({ parts, params }) => {
      const { id } = deviceOf(parts.registry, params['device']);
      return { status: 200, body: { items: parts.sep.store.items(`/edev/${id}/lel`).map(told) } };
    },
  },
  {
    method: 'GET',
    path: `${path}/der`,
    operation: {
      id: 'getDeviceDer',
      tag,
      needs: 'building',
      summary: 'What a device told of its inverter and storage',
      answers: { 200: { what: 'What it told so far', schema: reference('DeviceDer') } },
      refusals: [404],
    },
    handle: ({ parts, params }) => ({ status: 200, body: derOf(deviceOf(parts.registry, params['device']), parts) }),
  },
];

/** What a device tells of its one DER, by the segment of its href. */
export const derDocuments = {
  dercap: 'DERCapability',
  derg: 'DERSettings',
  ders: 'DERStatus',
  dera: 'DERAvailability',
} as const satisfies Readonly<Record<string, RootName>>;

const derOf = ({ id }: Device, { sep }: OperatorParts): JsonObject =>
  Object.fromEntries(
    Object.entries(derDocuments).flatMap(([segment, name]) => {
      const resource = sep.store.get(`/edev/${id}/der/1/${segment}`);
      return resource === undefined ? [] : [[name, toJson(name, resource.document as never)]];
    }),
  );

/** What a device put here, with what it is called. */
const told = ({ name, href, document }: StoredResource): JsonObject => ({
  kind: name,
  ...(toJson(name, document) as JsonObject),
  href,
});

const json = (one: Device, { registry, sep }: OperatorParts) => deviceJson(one, registry, sep.store);

/** Facts as the registry has them: ids as its own, bytes, and undefined where one goes. Rejects with `GTX-OPR-002`. */
function factsOf(
  { aggregator, deviceCategory, connectionPointId, pin, ...others }: DevicePatch,
  { registry }: OperatorParts,
): Partial<DeviceFacts> & { readonly connectionPointId?: string | null } {
  if (typeof pin === 'number' && !hasValidCheckDigit(pin)) {
    throw unfit(
      '/pin',
      `${pin} is mistyped: its check digit does not fit`,
      'The digits of a PIN sum up to a multiple of ten.',
    );
  }
  if (typeof connectionPointId === 'string') checkConnectionPoint(connectionPointId);
  const acting = typeof aggregator === 'string' ? deviceOf(registry, aggregator, '/aggregator').id : undefined;
  const category = typeof deviceCategory === 'string' ? Uint8Array.from(Buffer.from(deviceCategory, 'hex')) : undefined;
  return {
    ...(Object.fromEntries(
      Object.entries(others).map(([fact, value]) => [fact, value ?? undefined]),
    ) as Partial<DeviceFacts>),
    ...(pin !== undefined && { pin: pin ?? undefined }),
    ...(aggregator !== undefined && { aggregator: acting }),
    ...(deviceCategory !== undefined && { deviceCategory: category }),
    ...(connectionPointId !== undefined && { connectionPointId }),
  };
}

async function setConnectionPoint(one: Device, id: string | null | undefined, { sep }: OperatorParts): Promise<void> {
  const href = connectionPointOf(one);
  if (typeof id === 'string') await sep.store.put(href, 'ConnectionPoint', { connectionPointId: id });
  if (id === null) await sep.store.remove(href);
}

export const deviceSchemas = {
  Device: DeviceSchema,
  NewDevice: NewDeviceSchema,
  DevicePatch: DevicePatchSchema,
  Told: {
    type: 'object',
    description: 'A 2030.5 document that a device put here',
    properties: { kind: { type: 'string' }, href: { type: 'string' } },
    required: ['kind', 'href'],
  },
};
