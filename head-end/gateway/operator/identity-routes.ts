import { type Static, Type } from 'typebox';
import { UnixSeconds } from '#hal/units.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';
import { actorOf } from '../../access/principal.ts';
import type { Identity } from '../../registry/devices.ts';
import { deviceJson, deviceOf } from './device-json.ts';
import { itemsOf, type OperatorRoute, reference } from './operation.ts';
import { checked, conflict } from './refusals.ts';

const tag = 'devices';
const time = (description: string) => Type.Integer({ description });
const number = Type.String({ pattern: '^[0-9a-f]{1,40}$', description: 'The certificate’s own number, hexadecimal' });
const notAfter = time('When the certificate ends, Unix s of wall time');
const lfdi = Type.String({ pattern: '^[0-9A-Fa-f]{40}$' });
const IdentitySchema = Type.Object(
  {
    lfdi,
    sfdi: Type.Integer(),
    state: Type.Union([Type.Literal('pending'), Type.Literal('in-force'), Type.Literal('retired')], {
      description: '`pending`: issued, and not yet used by its device',
    }),
    from: time('Unix s'),
    until: Type.Optional(time('When another took its place, Unix s')),
    number: Type.Optional(number),
    notAfter: Type.Optional(notAfter),
    revokedAt: Type.Optional(time('Unix s of wall time')),
    revocationReason: Type.Optional(Type.String()),
  },
  { additionalProperties: false, title: 'Identity' },
);
const ReplacementSchema = Type.Object(
  {
    lfdi: Type.Optional(Type.Intersect([lfdi], { description: 'Of the certificate of the new board or TPM' })),
    registers: Type.Union([Type.Literal('anew'), Type.Literal('kept')], {
      description:
        '`anew`: the new board or clamps count from another value, and the building’s registers go on from where ' +
        'they were · `kept`: the same meters go on counting',
    }),
    reason: Type.String({ minLength: 1, maxLength: 500, description: 'What was replaced and why, for people' }),
  },
  { additionalProperties: false, title: 'Replacement' },
);

export const identitySchemas = { Identity: IdentitySchema, Replacement: ReplacementSchema };

/** The certificates that a device has had, and what happens when a board, a TPM or clamps of a building are replaced. */
export const identityRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/devices/{device}/identities',
    operation: {
      id: 'listDeviceIdentities',
      tag,
      needs: 'read',
      summary: 'The certificates that a device has had, the newest first; 100 at most',
      answers: { 200: { what: 'The list', schema: itemsOf(reference('Identity')) } },
      refusals: [404],
    },
    handle: async ({ parts, params }) => {
      const { id } = deviceOf(parts.registry, params['device']);
      return { status: 200, body: { items: (await parts.registry.identities(id)).map(jsonOf) } };
    },
  },
  {
    method: 'POST',
    path: '/devices/{device}/replacement',
    operation: {
      id: 'replaceDevice',
      tag,
      needs: 'operate',
      summary:
        'Says that a board, its TPM or its clamps were replaced: the old certificate is retired, registers go on',
      body: {
        schema: reference('Replacement'),
        example: { lfdi: '3E4F45AB31EDFE5B67E343E5E4562E31984E23E5', registers: 'anew', reason: 'Board burnt' },
      },
      answers: { 200: { what: 'The device', schema: reference('Device') } },
      refusals: [404, 409, 413, 422],
    },
    handle: async ({ parts, params, body, by }) => {
      const { registry, sep, replacements } = parts;
      const known = deviceOf(registry, params['device']);
      const { lfdi: text, registers, reason } = checked(ReplacementSchema, body);
      const given = text === undefined ? undefined : parseLfdi(text);
      const holder = given === undefined ? undefined : registry.byLfdi(given);
      if (holder !== undefined && holder.id !== known.id) {
        throw conflict(`The LFDI ${given} belongs to ${holder.meterId}`, 'Give the LFDI of the new certificate.');
      }
      await replacements.replace(known, { lfdi: given, registers, reason, actor: actorOf(by) });
      return { status: 200, body: deviceJson(deviceOf(registry, known.meterId), registry, sep.store) };
    },
  },
];

const jsonOf = (identity: Identity): Static<typeof IdentitySchema> => {
  const { certificate, revoked, until, ...others } = identity;
  return {
    ...others,
    ...(until !== undefined && { until: UnixSeconds(until) }),
    ...(certificate !== undefined && { number: certificate.number, notAfter: certificate.notAfter }),
    ...(revoked !== undefined && { revokedAt: revoked.at, revocationReason: revoked.reason }),
  };
};
