import { Type } from 'typebox';
import type { Redirect } from '../../server/operator-records.ts';
import {
  apiBase,
  itemsOf,
  type OperatorAnswer,
  type OperatorParts,
  type OperatorRoute,
  reference,
} from './operation.ts';
import { absent, checked, unfit } from './refusals.ts';

const sepPath = String.raw`(/[\w.~-]+)+`;
const RedirectSchema = Type.Object(
  {
    id: Type.Optional(Type.String({ readOnly: true, description: 'In paths of this interface' })),
    from: Type.String({
      pattern: `^${sepPath}$`,
      maxLength: 200,
      description: 'Path on the 2030.5 side, with all below it',
    }),
    to: Type.String({
      pattern: `^(https://[^\\s/?#]+)?${sepPath}$`,
      maxLength: 400,
      description: 'Path or https address',
    }),
    status: Type.Optional(Type.Union([Type.Literal(301), Type.Literal(302), Type.Literal(307)])),
  },
  { additionalProperties: false, title: 'Redirect' },
);

export const redirectSchemas = { Redirect: RedirectSchema };

const redirect = { schema: reference('Redirect') };

/** Where requests of devices are sent elsewhere. */
export const redirectRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/redirects',
    operation: {
      id: 'listRedirects',
      tag: 'redirects',
      summary: 'Where requests are sent elsewhere',
      answers: { 200: { what: 'The list', schema: itemsOf(redirect.schema) } },
    },
    handle: ({ parts }) => {
      const items = parts.sep.records.all('redirect').map(([id, body]) => ({ id, ...body }));
      return { status: 200, body: { items } };
    },
  },
  {
    method: 'GET',
    path: '/redirects/{redirect}',
    operation: {
      id: 'getRedirect',
      tag: 'redirects',
      summary: 'One redirect',
      answers: { 200: { what: 'As it stands', ...redirect } },
      refusals: [404],
    },
    handle: ({ parts, params }) => ({ status: 200, body: redirectAt(params['redirect'], parts) }),
  },
  {
    method: 'PUT',
    path: '/redirects/{redirect}',
    operation: {
      id: 'putRedirect',
      tag: 'redirects',
      summary: 'Sends requests for a path, and for all below it, elsewhere: 301 unless told',
      body: { ...redirect, example: { from: '/edev', to: 'https://utility.example:8443/edev' } },
      answers: { 200: { what: 'As it stands now', ...redirect }, 201: { what: 'A new one', ...redirect } },
      refusals: [404, 409, 413, 422],
    },
    handle: async ({ parts, params, body }) => {
      const name = params['redirect'] ?? '';
      if (!/^[\w.~-]{1,64}$/.test(name)) throw absent(`redirect ${name}`, `${apiBase}/redirects`);
      const { from, to, status = 301 } = checked(RedirectSchema, body);
      if (to === from || to.startsWith(`${from}/`)) throw unfit('/to', 'it leads in a circle', 'Name another place.');
      const outcome = await parts.sep.records.put('redirect', name, { from, to, status });
      const answer = redirectAt(name, parts);
      if (outcome === 'replaced') return { status: 200, body: answer };
      return { status: 201, location: `${apiBase}/redirects/${name}`, body: answer };
    },
  },
  {
    method: 'DELETE',
    path: '/redirects/{redirect}',
    operation: {
      id: 'removeRedirect',
      tag: 'redirects',
      summary: 'Requests are answered here again',
      answers: { 204: null },
      refusals: [404],
    },
    handle: async ({ parts, params }): Promise<OperatorAnswer> => {
      redirectAt(params['redirect'], parts);
      await parts.sep.records.remove('redirect', params['redirect'] as string);
      return { status: 204 };
    },
  },
];

function redirectAt(id: string | undefined, { sep }: OperatorParts): Redirect & { readonly id: string } {
  const record = sep.records.get('redirect', id ?? '');
  if (record === undefined) throw absent(`redirect ${id}`, `${apiBase}/redirects`);
  return { id: id ?? '', ...record };
}
