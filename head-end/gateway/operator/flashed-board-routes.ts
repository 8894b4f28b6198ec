import { Type } from 'typebox';
import { isoTime } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { ListedBoard } from '../../enrolment/flash-list.ts';
import { apiBase, itemsOf, type OperatorParts, type OperatorRoute, reference } from './operation.ts';
import { absent, checked } from './refusals.ts';

const tag = 'enrolment';
const path = '/flashed-boards/{serial}';
const name = (description: string) => Type.String({ minLength: 1, maxLength: 64, description });

const flashEntry = {
  endorsementHash: Type.String({
    pattern: '^[0-9a-f]{64}$',
    description: 'SHA-256 of its TPM’s endorsement key (SubjectPublicKeyInfo), in lower-case hex',
  }),
  serial: name('Serial number of the board'),
  building: name('Meter id of the building that it is for'),
};
const NewFlashedBoardSchema = Type.Object(flashEntry, { additionalProperties: false, title: 'NewFlashedBoard' });
const FlashedBoardSchema = Type.Object(
  {
    ...flashEntry,
    allowedAt: Type.String({ readOnly: true, description: 'RFC 3339' }),
    enrolments: Type.Array(
      Type.Object(
        {
          role: Type.Enum(['birth', 'operational']),
          lfdi: Type.String({ description: 'Of the certificate that it was given' }),
          at: Type.String({ description: 'RFC 3339' }),
        },
        { additionalProperties: false },
      ),
      { readOnly: true, description: 'What it was given and not released from; none for a board that may enrol' },
    ),
  },
  { additionalProperties: false, title: 'FlashedBoard' },
);

export const flashedBoardSchemas = { FlashedBoard: FlashedBoardSchema, NewFlashedBoard: NewFlashedBoardSchema };

const board = { schema: reference('FlashedBoard') };

/** The list of flashed boards: whose TPM may enrol, as which board, for which building. */
export const flashedBoardRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/flashed-boards',
    operation: {
      id: 'listFlashedBoards',
      tag,
      needs: 'read',
      summary: 'The boards that may enrol, or are enrolled, by their serial numbers',
      answers: { 200: { what: 'The list', schema: itemsOf(board.schema) } },
    },
    handle: async ({ parts }) => ({ status: 200, body: { items: (await parts.flashList.all()).map(jsonOf) } }),
  },
  {
    method: 'POST',
    path: '/flashed-boards',
    operation: {
      id: 'allowBoard',
      tag,
      needs: 'operate',
      summary: 'Puts a board on the list when it is flashed; one that is not enrolled may change its building',
      body: {
        schema: reference('NewFlashedBoard'),
        example: {
          endorsementHash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
          serial: 'GTX-0001',
          building: 'AMI_METER_STANFORD_LIBRARY_001',
        },
      },
      answers: { 201: { what: 'As it stands on the list', ...board } },
      refusals: [409, 413, 422],
    },
    handle: async ({ parts, body }) => {
      const entry = checked(NewFlashedBoardSchema, body);
      await parts.flashList.allow(entry, wallSeconds());
      const location = `${apiBase}/flashed-boards/${encodeURIComponent(entry.serial)}`;
      return { status: 201, location, body: jsonOf(await listed(entry.serial, parts)) };
    },
  },
  {
    method: 'GET',
    path,
    operation: {
      id: 'getFlashedBoard',
      tag,
      needs: 'read',
      summary: 'One board, by its serial number',
      answers: { 200: { what: 'As it stands on the list', ...board } },
      refusals: [404],
    },
    handle: async ({ parts, params }) => ({ status: 200, body: jsonOf(await listed(params['serial'], parts)) }),
  },
  {
    method: 'DELETE',
    path,
    operation: {
      id: 'removeFlashedBoard',
      tag,
      needs: 'operate',
      summary: 'Takes a board that is not enrolled off the list: it may not enrol any more',
      answers: { 204: null },
      refusals: [404, 409],
    },
    handle: async ({ parts, params }) => {
      const { serial } = await listed(params['serial'], parts);
      await parts.flashList.remove(serial);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: `${path}/release`,
    operation: {
      id: 'releaseFlashedBoard',
      tag,
      needs: 'operate',
      summary: 'Lets an enrolled board enrol once more; what it has stays good until it does, or is revoked',
      answers: { 200: { what: 'As it stands on the list', ...board } },
      refusals: [404],
    },
    handle: async ({ parts, params }) => {
      const { serial } = await listed(params['serial'], parts);
      await parts.flashList.release(serial, wallSeconds());
      return { status: 200, body: jsonOf(await listed(serial, parts)) };
    },
  },
];

/** Throws `GTX-OPR-001` where it is not on the list. */
async function listed(serial: string | undefined, { flashList }: OperatorParts): Promise<ListedBoard> {
  const found = await flashList.bySerial(serial ?? '');
  if (found === undefined) throw absent(`flashed board ${serial}`, `${apiBase}/flashed-boards`);
  return found;
}

const jsonOf = ({ endorsementHash, serial, building, allowedAt, enrolments }: ListedBoard): object => ({
  endorsementHash,
  serial,
  building,
  allowedAt: isoTime(allowedAt),
  enrolments: enrolments.map(({ role, lfdi, at }) => ({ role, lfdi, at: isoTime(at) })),
});
