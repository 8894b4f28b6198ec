import { Type } from 'typebox';
import { actorOf } from '../../access/principal.ts';
import { deviceJson, deviceOf } from './device-json.ts';
import { type OperatorRoute, reference } from './operation.ts';
import { checked } from './refusals.ts';

const tag = 'devices';
const path = '/devices/{device}/quarantine';
const QuarantineSchema = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why, for people' }) },
  { additionalProperties: false, title: 'Quarantine' },
);

export const quarantineSchemas = { Quarantine: QuarantineSchema };

/** A device that is suspected of something is kept out until somebody has looked at it. */
export const quarantineRoutes: readonly OperatorRoute[] = [
  {
    method: 'PUT',
    path,
    operation: {
      id: 'quarantineDevice',
      tag,
      needs: 'operate',
      summary: 'Ends the sessions of a device, withdraws its orders and refuses it until it is released',
      body: { schema: reference('Quarantine'), example: { reason: 'Its readings do not fit the transformer’s' } },
      answers: { 200: { what: 'The device', schema: reference('Device') } },
      refusals: [404, 413, 422],
    },
    handle: async ({ parts, params, body, by }) => {
      const { registry, sep, containment } = parts;
      const { reason } = checked(QuarantineSchema, body);
      await containment.quarantine(deviceOf(registry, params['device']), reason, actorOf(by));
      return { status: 200, body: deviceJson(deviceOf(registry, params['device']), registry, sep.store) };
    },
  },
  {
    method: 'DELETE',
    path,
    operation: {
      id: 'releaseDevice',
      tag,
      needs: 'operate',
      summary: 'Lets a device in again that is in quarantine',
      answers: { 204: null },
      refusals: [404],
    },
    handle: async ({ parts, params, by }) => {
      await parts.containment.release(deviceOf(parts.registry, params['device']), actorOf(by));
      return { status: 204 };
    },
  },
];
