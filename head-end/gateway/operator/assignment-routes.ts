import { type Static, Type } from 'typebox';
import { type AssignableList, assignable } from '../../server/assignments.ts';
import type { FunctionSetAssignment } from '../../server/operator-records.ts';
import { deviceId, deviceOf } from './device-json.ts';
import {
  apiBase,
  itemsOf,
  type OperatorAnswer,
  type OperatorParts,
  type OperatorRoute,
  reference,
} from './operation.ts';
import { absent, checked, unfit } from './refusals.ts';

const ids = (what: string) =>
  Type.Optional(Type.Array(Type.String(), { maxItems: 10_000, description: `Ids of ${what}` }));

const AssignmentSchema = Type.Object(
  {
    id: Type.Optional(Type.String({ readOnly: true, description: 'In paths of this interface' })),
    description: Type.Optional(Type.String({ maxLength: 32 })),
    programs: ids('DER programs'),
    tariffs: ids('tariffs'),
    messagingPrograms: ids('messaging programs'),
    demandResponsePrograms: ids('demand response programs'),
    devices: ids('the devices that are to see them'),
  },
  { additionalProperties: false, title: 'FunctionSetAssignment' },
);

export const assignmentSchemas = { FunctionSetAssignment: AssignmentSchema };

const assignmentPath = '/function-set-assignments';
const assignment = { schema: reference('FunctionSetAssignment') };
const assignmentBody = {
  ...assignment,
  example: { description: 'Feeder 7', programs: ['1'], devices: ['METER_ENG_001'] },
};

/** Which devices see which programs. */
export const assignmentRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: assignmentPath,
    operation: {
      id: 'listFunctionSetAssignments',
      tag: 'assignments',
      summary: 'Which devices see which programs',
      answers: { 200: { what: 'The list', schema: itemsOf(assignment.schema) } },
    },
    handle: ({ parts }) => {
      const items = parts.sep.records.all('assignment').map(([id, body]) => assignmentJson(id, body, parts));
      return { status: 200, body: { items } };
    },
  },
  {
    method: 'POST',
    path: assignmentPath,
    operation: {
      id: 'addFunctionSetAssignment',
      tag: 'assignments',
      summary: 'Shows programs to devices',
      body: assignmentBody,
      answers: { 201: { what: 'As it was added; Location has its path', ...assignment } },
      refusals: [409, 413, 422],
    },
    handle: async ({ parts, body }) => {
      const id = await parts.sep.records.add('assignment', assignmentOf(body, parts));
      return { status: 201, location: `${apiBase}${assignmentPath}/${id}`, body: assignmentAt(id, parts) };
    },
  },
  {
    method: 'GET',
    path: `${assignmentPath}/{assignment}`,
    operation: {
      id: 'getFunctionSetAssignment',
      tag: 'assignments',
      summary: 'One assignment',
      answers: { 200: { what: 'As it stands', ...assignment } },
      refusals: [404],
    },
    handle: ({ parts, params }) => ({ status: 200, body: assignmentAt(params['assignment'], parts) }),
  },
  {
    method: 'PUT',
    path: `${assignmentPath}/{assignment}`,
    operation: {
      id: 'replaceFunctionSetAssignment',
      tag: 'assignments',
      summary: 'Says anew what an assignment assigns, and to whom',
      body: assignmentBody,
      answers: { 200: { what: 'As it stands now', ...assignment } },
      refusals: [404, 413, 422],
    },
    handle: async ({ parts, params, body }) => {
      assignmentAt(params['assignment'], parts);
      await parts.sep.records.put('assignment', params['assignment'] as string, assignmentOf(body, parts));
      return { status: 200, body: assignmentAt(params['assignment'], parts) };
    },
  },
  {
    method: 'DELETE',
    path: `${assignmentPath}/{assignment}`,
    operation: {
      id: 'removeFunctionSetAssignment',
      tag: 'assignments',
      summary: 'Devices do not see the programs by it any more',
      answers: { 204: null },
      refusals: [404],
    },
    handle: async ({ parts, params }): Promise<OperatorAnswer> => {
      assignmentAt(params['assignment'], parts);
      await parts.sep.records.remove('assignment', params['assignment'] as string);
      return { status: 204 };
    },
  },
];

/** Throws `GTX-OPR-002` where it names something that is not there. */
function assignmentOf(body: unknown, { registry, sep }: OperatorParts): FunctionSetAssignment {
  const { id: _id, description = '', devices = [], ...given } = checked(AssignmentSchema, body);
  const lists = Object.entries(assignable).map(([list, member]) => {
    const named = given[member] ?? [];
    for (const [i, id] of named.entries()) {
      if (sep.store.items(list).some(({ href }) => href === `${list}/${id}`)) continue;
      throw unfit(`/${member}/${i}`, `there is no ${id}`, 'POST it first.');
    }
    return [member, [...new Set(named)]];
  });
  const known = devices.map((id, i) => deviceOf(registry, id, `/devices/${i}`).id);
  const assigned = Object.fromEntries(lists) as Pick<FunctionSetAssignment, (typeof assignable)[AssignableList]>;
  return { description, ...assigned, devices: [...new Set(known)] };
}

function assignmentAt(id: string | undefined, parts: OperatorParts): Static<typeof AssignmentSchema> {
  const record = parts.sep.records.get('assignment', id ?? '');
  if (record === undefined) throw absent(`assignment ${id}`, `${apiBase}${assignmentPath}`);
  return assignmentJson(id ?? '', record, parts);
}

/** Without what was removed since. */
function assignmentJson(
  id: string,
  record: FunctionSetAssignment,
  { registry, sep }: OperatorParts,
): Static<typeof AssignmentSchema> {
  const lists = Object.entries(assignable).map(([list, member]) => [
    member,
    record[member].filter((one) => sep.store.get(`${list}/${one}`) !== undefined),
  ]);
  const devices = record.devices.flatMap((one) => {
    const device = registry.byId(one);
    return device === undefined ? [] : [deviceId(device)];
  });
  return { id, description: record.description, ...Object.fromEntries(lists), devices };
}
