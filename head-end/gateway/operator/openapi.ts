import type { JsonObject } from '#ieee2030_5/json.ts';
import { jsonSchemaOf } from '#ieee2030_5/json-schema.ts';
import { accessSchemas } from '../access/schemas.ts';
import { ProblemSchema } from '../snapshot.ts';
import { assignmentSchemas } from './assignment-routes.ts';
import { authoritySchemas } from './authority-routes.ts';
import { derDocuments, deviceSchemas } from './device-routes.ts';
import { isServedMember, madeMembers, readOnlyMembers } from './document-body.ts';
import { connectionPoint, type DocumentKind, documentKinds } from './document-kinds.ts';
import { flashedBoardSchemas } from './flashed-board-routes.ts';
import { exchangeSchemas } from './exchange-routes.ts';
import { explainSchemas } from './explain-routes.ts';
import { apiBase, type Content, type Operation, reference, type SchemaObject } from './operation.ts';
import { identitySchemas } from './identity-routes.ts';
import { quarantineSchemas } from './quarantine-routes.ts';
import { redirectSchemas } from './redirect-routes.ts';
import { settingsSchemas } from './settings-routes.ts';

/** A route as it is served. */
export interface DescribedRoute {
  readonly method: string;
  /** As OpenAPI writes it, without the base. */
  readonly path: string;
  readonly operation: Operation;
}

const problemWords: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'It needs to know who asks, or the credential is not right',
  403: 'The role may not do this, or the request comes from another site',
  404: 'There is no such thing',
  410: 'It is not good any more',
  409: 'It stands against what is there',
  413: 'The body is too large',
  415: 'The body is of another media type',
  421: 'The Host header does not name this machine',
  422: 'The body does not hold, at the place told',
  429: 'Too many failures or attempts; Retry-After tells how long',
  500: 'The head-end could not answer',
  503: 'The head-end is starting, or its database is away',
};

/** The interface in OpenAPI 3.1, made from the routes that are served. */
export function openApiOf(routes: readonly DescribedRoute[]): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, operation } of routes) {
    const item = paths[path] ?? { ...parametersOf(path) };
    paths[path] = item;
    item[method.toLowerCase()] = operationObject(operation, method);
  }
  const tags = [...new Set(routes.map(({ operation }) => operation.tag))].map((name) => ({ name }));
  const description =
    'Documents of IEEE 2030.5 stand as JSON: elements and attributes by their names, hexBinary as hex digits, lists as ' +
    'arrays, 64-bit integers as numbers, or as strings where a number is not exact. Programs send an API key or a token, ' +
    'the page has a cookie; `x-needs` tells what an operation takes.';
  // Through JSON once, so that schemas are plain data.
  return JSON.parse(
    JSON.stringify({
      openapi: '3.1.0',
      info: {
        title: 'GridTokenX head-end',
        version: '1',
        description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: apiBase }],
      tags,
      paths,
      components: { schemas: componentSchemas(), securitySchemes },
    }),
  ) as JsonObject;
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a token that was got with one' },
  session: { type: 'apiKey', in: 'cookie', name: '__Host-gridtokenx', description: 'Of a person who is signed in' },
};

const parametersOf = (path: string): object => {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return parameters.length === 0 ? {} : { parameters };
};

function operationObject({ id, tag, needs, summary, body, answers, refusals = [] }: Operation, method: string): object {
  const isWrite = method !== 'GET';
  const problems = [...new Set([...refusals, 400, ...(needs === 'open' ? [] : [401, 429]), 403, 421, 500, 503])].filter(
    (status) => !(status in answers),
  );
  const responses = Object.fromEntries([
    ...Object.entries(answers).map(([status, answer]) => [status, answerObject(answer)] as const),
    ...problems.toSorted((a, b) => a - b).map((status) => [String(status), problemOf(status)] as const),
  ]);
  const requestBody = body && { required: body.isOptional !== true, content: contentOf(body) };
  return {
    operationId: id,
    tags: [tag],
    summary,
    security: needs === 'open' ? [] : [{ bearer: [] }, { session: [] }],
    'x-needs': needs,
    ...(isWrite && requestBody ? { requestBody } : {}),
    responses,
  };
}

const answerObject = (answer: Operation['answers'][number] | undefined): object => {
  if (answer === null || answer === undefined) return { description: 'Done' };
  const description = answer.what;
  return { description, content: contentOf(answer) };
};

const contentOf = ({ schema, example, mediaType = 'application/json' }: Content): object => ({
  [mediaType]: { schema, ...(example === undefined ? {} : { example }) },
});

const unfitExample = {
  type: 'about:blank',
  title: 'Unprocessable Entity',
  status: 422,
  detail: '/DERControlBase/opModExpLimit: DERControlBase has no such member',
  code: 'GTX-JSN-003',
  hint: 'Compare the document with its JSON schema: members, types, ranges, lengths; the place is a JSON pointer.',
};

const problemOf = (status: number): object => ({
  description: problemWords[status] ?? 'A problem',
  content: {
    'application/problem+json': { schema: reference('Problem'), ...(status === 422 && { example: unfitExample }) },
  },
});

/** Every schema that routes refer to. */
function componentSchemas(): Readonly<Record<string, SchemaObject>> {
  const kinds = [connectionPoint, ...documentKinds].flatMap(withChildren);
  const types: Record<string, SchemaObject> = {};
  for (const name of Object.values(derDocuments)) Object.assign(types, jsonSchemaOf(name, { refs }).$defs);
  const given: Record<string, SchemaObject> = {};
  for (const kind of kinds) {
    const { $ref, $defs } = jsonSchemaOf(kind.name, { refs });
    const typeName = ($ref as string).slice(refs.length);
    Object.assign(types, $defs);
    given[kind.name] = kindSchema(kind, $defs[typeName] as JsonObject);
    // A root element stands for its type, also where that has another name.
    if (typeName !== kind.name) delete types[typeName];
  }
  return {
    Problem: ProblemSchema,
    ...types,
    ...given,
    ...deviceSchemas,
    ...identitySchemas,
    ...quarantineSchemas,
    ...explainSchemas,
    ...assignmentSchemas,
    ...redirectSchemas,
    ...settingsSchemas,
    ...authoritySchemas,
    ...flashedBoardSchemas,
    ...exchangeSchemas,
    ...accessSchemas,
  };
}

const refs = '#/components/schemas/';

const withChildren = (kind: DocumentKind): readonly DocumentKind[] => [
  kind,
  ...(kind.children ?? []).flatMap(withChildren),
];

/** A document's schema as operators meet it: some members are shown only, some are made where they are not given. */
function kindSchema(kind: DocumentKind, own: JsonObject): SchemaObject {
  const shown = readOnlyMembers(kind);
  const made = new Set([...madeMembers(kind), ...shown]);
  const members = Object.entries(own['properties'] as JsonObject).filter(([name]) => !isServedMember(name));
  const properties = {
    ...(kind.isSingle === true ? {} : { id: { type: 'string' } }),
    ...(kind.isOwned === true ? { device: { type: 'string', description: 'Id of the device that is to see it' } } : {}),
    ...Object.fromEntries(members),
  };
  const marked = Object.entries(properties).map(([name, schema]) => [
    name,
    shown.includes(name) ? { ...(schema as object), readOnly: true } : schema,
  ]);
  const required = (own['required'] as readonly string[]).filter((name) => !made.has(name));
  const owner = kind.isOwned === true ? ['device'] : [];
  return { ...own, properties: Object.fromEntries(marked), required: [...owner, ...required] };
}
