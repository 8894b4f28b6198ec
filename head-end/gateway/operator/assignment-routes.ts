import { type Static, Type } from 'typebox';
import { type AssignableList, assignable } from '../../server/assignments.ts';
import type { FunctionSetAssignment } from '../../server/operator-records.ts';
import { deviceId, deviceOf } from './device-json.ts';
import { type OperatorParts, reference } from './operation.ts';
import { recordRoutes } from './record-routes.ts';
import { checked, unfit } from './refusals.ts';

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

const assignmentBody = {
  schema: reference('FunctionSetAssignment'),
  example: { description: 'Feeder 7', programs: ['1'], devices: ['METER_ENG_001'] },
};

/** Which devices see which programs. */
export const assignmentRoutes = recordRoutes({
  path: '/function-set-assignments',
  noun: 'assignment',
  tag: 'assignments',
  schema: 'FunctionSetAssignment',
  all: (parts) => parts.sep.records.all('assignment').map(([id, record]) => assignmentJson(id, record, parts)),
  at: (id, parts) => {
    const record = parts.sep.records.get('assignment', id);
    return record && assignmentJson(id, record, parts);
  },
  list: { id: 'listFunctionSetAssignments', summary: 'Which devices see which programs' },
  get: { id: 'getFunctionSetAssignment', summary: 'One assignment' },
  add: {
    id: 'addFunctionSetAssignment',
    summary: 'Shows programs to devices',
    body: assignmentBody,
    store: async (given, parts) => parts.sep.records.add('assignment', assignmentOf(given, parts)),
  },
  put: {
    id: 'replaceFunctionSetAssignment',
    summary: 'Says anew what an assignment assigns, and to whom',
    body: assignmentBody,
    mayCreate: false,
    store: async (id, given, parts) => parts.sep.records.put('assignment', id, assignmentOf(given, parts)),
  },
  remove: {
    id: 'removeFunctionSetAssignment',
    summary: 'Devices do not see the programs by it any more',
    drop: ({ id }, { sep }) => sep.records.remove('assignment', id),
  },
});

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

/** Without what was removed since. */
function assignmentJson(
  id: string,
  record: FunctionSetAssignment,
  { registry, sep }: OperatorParts,
): Static<typeof AssignmentSchema> & { readonly id: string } {
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
