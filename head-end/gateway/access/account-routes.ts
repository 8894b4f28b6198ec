import type { Static } from 'typebox';
import type { RegistrationAnswer } from '../../access/passkeys.ts';
import { reference } from '../operator/operation.ts';
import { checked } from '../operator/refusals.ts';
import { type AccessRequest, type AccessRoute, personIn } from './access-route.ts';
import { type AccountSchema, NewPasskeySchema, NewPasswordSchema } from './schemas.ts';

const tag = 'access';
const account = { schema: reference('Account') };

/** What people change of their own. */
export const accountRoutes: readonly AccessRoute[] = [
  {
    method: 'GET',
    path: '/access/account',
    operation: {
      id: 'getAccount',
      tag,
      needs: 'self',
      summary: 'One’s own account',
      answers: { 200: { what: 'As it is', ...account } },
    },
    handle: (request) => ({ status: 200, body: accountJson(request) }),
  },
  {
    method: 'PUT',
    path: '/access/account/password',
    operation: {
      id: 'setPassword',
      tag,
      needs: 'self',
      summary: 'Sets another password and ends one’s other sessions',
      body: {
        schema: reference('NewPassword'),
        example: { present: 'four words in a row', password: 'four other words here' },
      },
      answers: { 204: null },
      refusals: [422, 429],
    },
    handle: async (request) => {
      const { present, password } = checked(NewPasswordSchema, request.body);
      await request.access.setPassword(personIn(request), present, password, request.address);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/access/account/passkey-creation',
    operation: {
      id: 'requestPasskeyCreation',
      tag,
      needs: 'self',
      summary: 'What the browser needs to make a passkey (WebAuthn Level 3)',
      answers: { 200: { what: 'PublicKeyCredentialCreationOptionsJSON', schema: reference('PublicKeyOptions') } },
      refusals: [422],
    },
    handle: async (request) => ({
      status: 200,
      body: await request.access.passkeyCreation(personIn(request), request.site),
    }),
  },
  {
    method: 'POST',
    path: '/access/account/passkeys',
    operation: {
      id: 'addPasskey',
      tag,
      needs: 'self',
      summary: 'Adds the passkey that the browser made',
      body: { schema: reference('NewPasskey') },
      answers: { 201: { what: 'With the new one', ...account } },
      refusals: [409, 422],
    },
    handle: async (request) => {
      const { name, answer } = checked(NewPasskeySchema, request.body);
      const person = personIn(request);
      await request.access.addPasskey(person, request.site, name, answer as unknown as RegistrationAnswer);
      return { status: 201, body: accountJson(request) };
    },
  },
  {
    method: 'DELETE',
    path: '/access/account/passkeys/{passkey}',
    operation: {
      id: 'removePasskey',
      tag,
      needs: 'self',
      summary: 'Takes a passkey away',
      answers: { 204: null },
      refusals: [404],
    },
    handle: async (request) => {
      await request.access.removePasskey(personIn(request), request.params['passkey'] ?? '');
      return { status: 204 };
    },
  },
];

function accountJson(request: AccessRequest): Static<typeof AccountSchema> {
  const { user, session } = personIn(request);
  return {
    name: user.name,
    role: user.role,
    meters: [...user.meters],
    hasPassword: user.passwordHash !== undefined,
    byLink: session.byLink,
    passkeys: user.passkeys.map(({ id, name, createdAt, relyingParty }) => ({ id, name, createdAt, relyingParty })),
  };
}
