import { Type } from 'typebox';
import { type Json, type JsonObject, toJson } from '#ieee2030_5/json.ts';
import type { DefaultDERControl, DERControl, DERProgram, Response } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import type { StoredResource } from '../../server/resource-store.ts';
import { deviceId, deviceOf } from './device-json.ts';
import { derDocuments } from './device-routes.ts';
import { explain, type SeenProgram } from './explain.ts';
import { type OperatorParts, type OperatorRoute, reference } from './operation.ts';

const ModeSchema = Type.Object({
  mode: Type.String({ description: 'Name in DERControlBase or DefaultDERControl' }),
  value: Type.Unknown({ description: 'As the control has it' }),
  source: Type.Object({
    kind: Type.Union([Type.Literal('event'), Type.Literal('default')]),
    mRID: Type.String(),
    description: Type.Optional(Type.String()),
    program: Type.Object({
      id: Type.String(),
      mRID: Type.String(),
      description: Type.Optional(Type.String()),
      primacy: Type.Integer({ description: 'The lower number wins' }),
    }),
    randomizedBy: Type.Optional(Type.Integer({ description: 's; the device has drawn its own start and end' })),
  }),
  since: Type.Optional(Type.Integer({ description: 'Unix s' })),
  until: Type.Optional(Type.Integer({ description: 'Unix s' })),
  lastResponse: Type.Optional(Type.Object({ status: Type.Integer(), at: Type.Integer({ description: 'Unix s' }) })),
  sentence: Type.String({ description: 'The same for people' }),
});

export const explainSchemas = {
  DeviceExplanation: Type.Object(
    {
      device: Type.String({ description: 'Its id' }),
      time: Type.Integer({ description: 'Now, Unix s' }),
      modes: Type.Array(ModeSchema),
      summary: Type.String({ description: 'Every mode in words' }),
      told: Type.Unknown({ description: 'What the device told of itself: DERSettings, its own limits, and DERStatus' }),
    },
    { title: 'DeviceExplanation' },
  ),
  DeviceDer: {
    type: 'object',
    properties: Object.fromEntries(Object.values(derDocuments).map((name) => [name, reference(name)])),
    additionalProperties: false,
  },
};

export const explainRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/devices/{device}/explain',
    operation: {
      id: 'explainDevice',
      tag: 'devices',
      needs: 'building',
      summary: 'Which program, event, primacy or default sets each mode of a device now, since when and until when',
      answers: { 200: { what: 'Mode by mode', schema: reference('DeviceExplanation') } },
      refusals: [404],
    },
    handle: ({ parts, params }) => ({
      status: 200,
      body: explanationOf(deviceOf(parts.registry, params['device']), parts),
    }),
  },
];

const unlimited = 'No program sets anything: only what was set at the site itself holds.';

function explanationOf(device: Device, { clock, sep }: OperatorParts): JsonObject {
  const now = clock.now();
  const programs = sep.assignments
    .itemsOf([device.id], '/derp')
    .map((program): SeenProgram => seen(program, sep.store));
  const responses = sep.responses.of(device.id).map(({ document }) => document as Response);
  const modes = explain({ now, programs, category: device.deviceCategory, responses });
  const told = ['derg', 'ders'].flatMap((segment) => {
    const resource = sep.store.get(`/edev/${device.id}/der/1/${segment}`);
    return resource === undefined ? [] : [[resource.name, toJson(resource.name, resource.document)]];
  });
  return {
    device: deviceId(device),
    time: now,
    modes: modes.map((mode) => ({ ...mode, value: plain(mode.value) })),
    summary: modes.length === 0 ? unlimited : modes.map(({ sentence }) => sentence).join(' '),
    told: Object.fromEntries(told) as JsonObject,
  };
}

const seen = ({ href, document }: StoredResource, store: OperatorParts['sep']['store']): SeenProgram => ({
  id: href.slice(href.lastIndexOf('/') + 1),
  document: document as DERProgram,
  controls: store.items(`${href}/derc`).map((control) => control.document as DERControl),
  default: store.get(`${href}/dderc`)?.document as DefaultDERControl | undefined,
});

/** Values of modes are numbers, booleans and objects of such; octets become hex digits as elsewhere. */
function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}
