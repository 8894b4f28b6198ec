import type { Static } from 'typebox';
import type { AuthenticationAnswer } from '../../access/passkeys.ts';
import { wrongCredential } from '../../access/refusals.ts';
import { tokenSeconds } from '../../access/tokens.ts';
import { reference } from '../operator/operation.ts';
import { checked } from '../operator/refusals.ts';
import { type AccessRequest, type AccessRoute, personIn } from './access-route.ts';
import { meOf } from './me-route.ts';
import { LinkSignInSchema, PasskeySignInSchema, SignInSchema, type TokenSchema } from './schemas.ts';

const tag = 'access';
const me = { 200: { what: 'Signed in; the answer sets the cookie of the session', schema: reference('Me') } };

/** How people sign in and out, and programs get tokens. */
export const signInRoutes: readonly AccessRoute[] = [
  {
    method: 'POST',
    path: '/access/sign-in',
    operation: {
      id: 'signIn',
      tag,
      needs: 'open',
      summary: 'Signs a person in by name and password',
      body: { schema: reference('SignIn'), example: { name: 'ada', password: 'four words in a row' } },
      answers: me,
      refusals: [401, 422, 429],
    },
    handle: async (request) => {
      const { name, password } = checked(SignInSchema, request.body);
      return signedIn(request, await request.access.signIn(name, password, request.address));
    },
  },
  {
    method: 'POST',
    path: '/access/passkey-request',
    operation: {
      id: 'requestPasskey',
      tag,
      needs: 'open',
      summary: 'What the browser needs to sign in with a passkey (WebAuthn Level 3)',
      answers: { 200: { what: 'PublicKeyCredentialRequestOptionsJSON', schema: reference('PublicKeyOptions') } },
      refusals: [422, 429],
    },
    handle: async ({ access, site, address }) => ({ status: 200, body: await access.passkeyRequest(site, address) }),
  },
  {
    method: 'POST',
    path: '/access/passkey-sign-in',
    operation: {
      id: 'signInByPasskey',
      tag,
      needs: 'open',
      summary: 'Signs a person in by a passkey',
      body: { schema: reference('PasskeySignIn') },
      answers: me,
      refusals: [401, 422, 429],
    },
    handle: async (request) => {
      const { access, body, site, address } = request;
      const { answer } = checked(PasskeySignInSchema, body);
      return signedIn(request, await access.signInByPasskey(site, answer as unknown as AuthenticationAnswer, address));
    },
  },
  {
    method: 'POST',
    path: '/access/link-sign-in',
    operation: {
      id: 'signInByLink',
      tag,
      needs: 'open',
      summary: 'Signs a person in by a one-time link, to choose a password or make a passkey',
      body: { schema: reference('LinkSignIn'), example: { link: 'q8Zb…' } },
      answers: me,
      refusals: [410, 422, 429],
    },
    handle: async (request) => {
      const { link } = checked(LinkSignInSchema, request.body);
      return signedIn(request, await request.access.signInByLink(link, request.address));
    },
  },
  {
    method: 'POST',
    path: '/access/sign-out',
    operation: { id: 'signOut', tag, needs: 'self', summary: 'Ends the session', answers: { 204: null } },
    handle: async (request) => {
      await request.access.signOut(personIn(request));
      return { status: 204, session: 'ended' };
    },
  },
  {
    method: 'POST',
    path: '/access/token',
    operation: {
      id: 'getToken',
      tag,
      needs: 'self',
      summary: 'A short-lived token for an API key; others can check it by /.well-known/jwks.json',
      answers: { 200: { what: 'The token', schema: reference('Token') } },
    },
    handle: async ({ access, by }) => {
      const key = by !== undefined && 'key' in by.by && !('token' in by.by) ? by.by.key : undefined;
      if (by === undefined || key === undefined) throw wrongCredential('What asks for a token is no API key; that');
      const { token } = await access.programs.tokens.issue({ id: key, role: by.role });
      const body: Static<typeof TokenSchema> = {
        access_token: token,
        token_type: 'Bearer',
        expires_in: tokenSeconds,
      };
      return { status: 200, body };
    },
  },
];

type Opened = Awaited<ReturnType<AccessRequest['access']['signIn']>>;

const signedIn = (request: AccessRequest, session: Opened) => {
  const by = request.access.byCookie(session.token);
  return { status: 200, session, body: meOf({ ...request, by }) };
};
