import type { Static } from 'typebox';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { Access } from '../../access/access.ts';
import type { ApiKey } from '../../access/keys.ts';
import { linkAt } from '../../access/open-access.ts';
import type { Principal } from '../../access/principal.ts';
import { unknownAsker } from '../../access/refusals.ts';
import type { Role } from '../../access/roles.ts';
import type { RoleFacts, User } from '../../access/users.ts';
import { apiBase, itemsOf, reference } from '../operator/operation.ts';
import { checked, unfit } from '../operator/refusals.ts';
import type { AccessRequest, AccessRoute } from './access-route.ts';
import { type KeySchema, NewKeySchema, NewUserSchema, UserPatchSchema, type UserSchema } from './schemas.ts';

const tag = 'access';
const user = { schema: reference('User') };

/** Who may use REST and the page: for administrators, and for auditors to look at. */
export const administrationRoutes: readonly AccessRoute[] = [
  {
    method: 'GET',
    path: '/access/users',
    operation: {
      id: 'listUsers',
      tag,
      needs: 'audit',
      summary: 'Everyone who may sign in',
      answers: { 200: { what: 'The list', schema: itemsOf(user.schema) } },
    },
    handle: ({ access }) => ({ status: 200, body: { items: access.users.all().map((one) => userJson(one, access)) } }),
  },
  {
    method: 'POST',
    path: '/access/users',
    operation: {
      id: 'addUser',
      tag,
      needs: 'administer',
      summary: 'Adds a person, who signs in first by a one-time link',
      body: { schema: reference('NewUser'), example: { name: 'ada', role: 'operator' } },
      answers: { 201: { what: 'As it was added', ...user } },
      refusals: [409, 422],
    },
    handle: async (request) => {
      const { name, ...facts } = checked(NewUserSchema, request.body);
      const { access } = request;
      const added = await access.addUser(name, roleFacts(facts, request), asker(request));
      return { status: 201, location: `${apiBase}/access/users/${added.name}`, body: userJson(added, access) };
    },
  },
  {
    method: 'PATCH',
    path: '/access/users/{user}',
    operation: {
      id: 'changeUser',
      tag,
      needs: 'administer',
      summary: 'Gives a person another role; it holds at once',
      body: { schema: reference('UserPatch'), example: { role: 'owner', meters: ['METER_ENG_001'] } },
      answers: { 200: { what: 'As it is now', ...user } },
      refusals: [404, 409, 422],
    },
    handle: async (request) => {
      const facts = roleFacts(checked(UserPatchSchema, request.body), request);
      const { access, params } = request;
      const changed = await access.changeUser(params['user'] ?? '', facts, asker(request));
      return { status: 200, body: userJson(changed, access) };
    },
  },
  {
    method: 'DELETE',
    path: '/access/users/{user}',
    operation: {
      id: 'removeUser',
      tag,
      needs: 'administer',
      summary: 'Removes a person and ends the person’s sessions',
      answers: { 204: null },
      refusals: [404, 409],
    },
    handle: async (request) => {
      await request.access.removeUser(request.params['user'] ?? '', asker(request));
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/access/users/{user}/link',
    operation: {
      id: 'makeLink',
      tag,
      needs: 'administer',
      summary: 'A one-time link as a person’s only way in: password, passkeys and sessions end',
      answers: { 201: { what: 'The link, in the place of the one before', schema: reference('Link') } },
      refusals: [404],
    },
    handle: async (request) => {
      const secret = await request.access.makeLink(request.params['user'] ?? '', asker(request));
      return { status: 201, body: { link: linkAt(request.site.origin, secret) } };
    },
  },
  {
    method: 'GET',
    path: '/access/keys',
    operation: {
      id: 'listKeys',
      tag,
      needs: 'audit',
      summary: 'Every API key, without its secret',
      answers: { 200: { what: 'The list', schema: itemsOf(reference('Key')) } },
    },
    handle: ({ access }) => ({ status: 200, body: { items: access.programs.keys.all().map(keyJson) } }),
  },
  {
    method: 'POST',
    path: '/access/keys',
    operation: {
      id: 'addKey',
      tag,
      needs: 'administer',
      summary: 'Makes an API key for a program; it is shown this once',
      body: { schema: reference('NewKey'), example: { name: 'billing', role: 'auditor', expiresAt: 1_893_456_000 } },
      answers: { 201: { what: 'With the key itself', schema: reference('KeyMade') } },
      refusals: [409, 422],
    },
    handle: async (request) => {
      const { name, expiresAt, ...facts } = checked(NewKeySchema, request.body);
      if (expiresAt !== undefined && expiresAt <= wallSeconds()) {
        throw unfit('/expiresAt', 'it is past', 'Give a later time, or leave it out.');
      }
      const until = expiresAt === undefined ? undefined : UnixSeconds(expiresAt);
      const wanted = { name: name.trim(), until, ...roleFacts(facts, request) };
      const { key, text } = await request.access.programs.addKey(wanted, asker(request));
      return { status: 201, body: { ...keyJson(key), key: text } };
    },
  },
  {
    method: 'DELETE',
    path: '/access/keys/{key}',
    operation: {
      id: 'revokeKey',
      tag,
      needs: 'administer',
      summary: 'Revokes an API key and the tokens that it got; it holds at once',
      answers: { 204: null },
      refusals: [404],
    },
    handle: async (request) => {
      await request.access.programs.revokeKey(request.params['key'] ?? '', asker(request));
      return { status: 204 };
    },
  },
];

function asker({ by }: AccessRequest): Principal {
  if (by === undefined) throw unknownAsker();
  return by;
}

/** Throws `GTX-OPR-002` where an owner owns nothing, or another role something. */
function roleFacts(
  { role, meters = [] }: { readonly role: Role; readonly meters?: readonly string[] },
  { meterId }: AccessRequest,
): RoleFacts {
  if (role === 'owner' && meters.length === 0) {
    throw unfit('/meters', 'an owner owns nothing', 'Name the devices of the owner’s buildings.');
  }
  if (role !== 'owner' && meters.length > 0) {
    throw unfit('/meters', `the role ${role} has no buildings of its own`, 'Leave it out, or choose the role owner.');
  }
  return { role, meters: [...new Set(meters.map((one, i) => meterId(one, `/meters/${i}`)))] };
}

const userJson = (one: User, access: Access): Static<typeof UserSchema> => ({
  name: one.name,
  role: one.role,
  meters: [...one.meters],
  hasPassword: one.passwordHash !== undefined,
  passkeys: one.passkeys.length,
  sessions: access.sessionsOf(one),
  lockedFor: access.lockedFor(one),
  createdAt: one.createdAt,
});

const keyJson = ({ id, name, role, meters, createdAt, createdBy, until }: ApiKey): Static<typeof KeySchema> => ({
  id,
  name,
  role,
  meters: [...meters],
  createdAt,
  createdBy,
  ...(until !== undefined && { expiresAt: until }),
});
