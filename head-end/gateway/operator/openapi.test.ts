import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/schema';
import { createLog } from '#hal/log.ts';
import { accessRoutes } from '../access/routes.ts';
import { Gateway } from '../gateway.ts';
import { SampleSource, sampleSnapshot } from '../sample-campus.ts';
import { connectionPoint, type DocumentKind, documentKinds } from './document-kinds.ts';
import { operatorRoutes } from './routes.ts';

type Tree = { readonly [member: string]: Tree };

async function description(): Promise<Tree> {
  await using gateway = new Gateway({
    port: 0,
    source: new SampleSource(sampleSnapshot()),
    log: createLog('t', 'silent'),
  });
  const { port } = await gateway.start();
  return (await (await fetch(`http://127.0.0.1:${port}/api/v1/openapi.json`)).json()) as Tree;
}

function* refs(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === '$ref') yield String(member);
    else yield* refs(member);
  }
}

/** The part of a document that a local JSON pointer names. */
const at = (document: unknown, ref: string): unknown =>
  ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], document);

const operations = (document: Tree) =>
  Object.entries(document['paths'] ?? {}).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => ({ path, method, operation, item })),
  );

test('the description is OpenAPI 3.1 whose every reference resolves and whose every schema is used', async () => {
  const document = await description();
  assert.equal(document['openapi'], '3.1.0');
  const used = new Set(refs(document));
  for (const ref of used) assert.notEqual(at(document, ref), undefined, ref);
  for (const name of Object.keys(document['components']?.['schemas'] ?? {})) {
    assert.ok(used.has(`#/components/schemas/${name}`), `${name} is not used`);
  }
});

test('every route is described, and what is described is a route', async () => {
  const document = await description();
  const described = operations(document).map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  for (const { method, path } of operatorRoutes)
    assert.ok(described.includes(`${method} ${path}`), `${method} ${path}`);
  // The gateway's own routes beside the operators'.
  const others = [
    'snapshot',
    'meters',
    'meters/{meterId}',
    'windows',
    'settlements',
    'history',
    'health',
    'events',
    'access/me',
  ];
  for (const path of [...others, 'openapi.json']) assert.ok(described.includes(`GET /${path}`), path);
  for (const { method, path } of accessRoutes) assert.ok(described.includes(`${method} ${path}`), `${method} ${path}`);
  assert.equal(described.length, operatorRoutes.length + accessRoutes.length + others.length + 1);
  await using gateway = new Gateway({
    port: 0,
    source: new SampleSource(sampleSnapshot()),
    log: createLog('t', 'silent'),
  });
  const { port } = await gateway.start();
  for (const { path, method, operation } of operations(document)) {
    if (operation['operationId'] === ('streamSnapshots' as unknown)) continue;
    const url = `http://127.0.0.1:${port}/api/v1${path.replaceAll(/\{\w+\}/g, '1')}`;
    const answer = await fetch(url, { method: method.toUpperCase() });
    const body = (await answer.json()) as { code?: string };
    // While the head-end starts there is nothing to manage; no route at all would be GTX-GTW-004.
    assert.notEqual(body.code, 'GTX-GTW-004', `${method} ${path}`);
    const isManaged = [...operatorRoutes, ...accessRoutes].some((route) => route.path === path);
    assert.equal(body.code === 'GTX-OPR-005', isManaged, `${method} ${path}: ${body.code}`);
    assert.ok(String(answer.status) in (operation['responses'] ?? {}), `${method} ${path}: ${answer.status}`);
  }
});

test('operations have ids of their own, their path parameters, and problems for what may go wrong', async () => {
  const document = await description();
  const ids = operations(document).map(({ operation }) => operation['operationId'] as unknown as string);
  assert.equal(new Set(ids).size, ids.length);
  for (const { path, operation, item } of operations(document)) {
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const parameters = (item['parameters'] ?? []) as unknown as { name: string; in: string; required: boolean }[];
    assert.deepEqual(
      parameters.map(({ name }) => name),
      wanted,
      path,
    );
    assert.equal(new Set(wanted).size, wanted.length, path);
    const responses = operation['responses'] ?? {};
    assert.ok(
      Object.keys(responses).some((status) => status.startsWith('2')),
      path,
    );
    for (const [status, response] of Object.entries(responses)) {
      if (Number(status) < 400) continue;
      const schema: unknown = response['content']?.['application/problem+json']?.['schema'];
      assert.deepEqual(schema, { $ref: '#/components/schemas/Problem' }, `${path} ${status}`);
    }
  }
});

test('every example of a body fits the schema beside it', async () => {
  const document = await description();
  let examples = 0;
  for (const { path, method, operation } of operations(document)) {
    for (const { schema, example } of Object.values(operation['requestBody']?.['content'] ?? {})) {
      if (example === undefined) continue;
      const check = Compile({ ...(schema as object), components: document['components'] });
      assert.ok(check.Check(example), `${method} ${path}: ${JSON.stringify(check.Errors(example))}`);
      examples++;
    }
  }
  const count = (kind: DocumentKind): number => 1 + (kind.children ?? []).reduce((sum, child) => sum + count(child), 0);
  assert.ok(examples > [connectionPoint, ...documentKinds].reduce((sum, kind) => sum + count(kind), 0));
});
