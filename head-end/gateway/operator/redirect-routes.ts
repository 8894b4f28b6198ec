import { Type } from 'typebox';
import { apiBase, reference } from './operation.ts';
import { recordRoutes } from './record-routes.ts';
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

/** Where requests of devices are sent elsewhere. */
export const redirectRoutes = recordRoutes({
  path: '/redirects',
  noun: 'redirect',
  tag: 'redirects',
  schema: 'Redirect',
  all: ({ sep }) => sep.records.all('redirect').map(([id, body]) => ({ id, ...body })),
  at: (id, { sep }) => {
    const record = sep.records.get('redirect', id);
    return record && { id, ...record };
  },
  list: { id: 'listRedirects', summary: 'Where requests are sent elsewhere' },
  get: { id: 'getRedirect', summary: 'One redirect' },
  put: {
    id: 'putRedirect',
    summary: 'Sends requests for a path, and for all below it, elsewhere: 301 unless told',
    body: { schema: reference('Redirect'), example: { from: '/edev', to: 'https://utility.example:8443/edev' } },
    refusals: [409],
    mayCreate: true,
    store: (name, body, { sep }) => {
      if (!/^[\w.~-]{1,64}$/.test(name)) throw absent(`redirect ${name}`, `${apiBase}/redirects`);
      const { from, to, status = 301 } = checked(RedirectSchema, body);
      if (to === from || to.startsWith(`${from}/`)) throw unfit('/to', 'it leads in a circle', 'Name another place.');
      return sep.records.put('redirect', name, { from, to, status });
    },
  },
  remove: {
    id: 'removeRedirect',
    summary: 'Requests are answered here again',
    drop: ({ id }, { sep }) => sep.records.remove('redirect', id),
  },
});
