import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { fastify } from 'fastify';
import type { Principal } from '../../access/principal.ts';
import { type Right, type Role, roles } from '../../access/roles.ts';
import { authorise } from '../authorise.ts';
import { TestOperator } from '../operator/test-operator.ts';

/** What the roles may do, written down once more, from the issue and not from the code. */
const mayDo: Readonly<Record<Right, readonly Role[]>> = {
  open: roles,
  watch: roles,
  building: roles,
  self: roles,
  read: ['operator', 'auditor', 'administrator'],
  operate: ['operator', 'administrator'],
  audit: ['auditor', 'administrator'],
  administer: ['administrator'],
};

interface Described {
  readonly method: string;
  readonly path: string;
  readonly needs: Right;
}

const root: Principal = {
  name: 'root',
  role: 'administrator',
  meters: [],
  by: { key: '0' },
  until: Number.MAX_SAFE_INTEGER as Principal['until'],
};

suite('every route × role × credential', { concurrency: false }, () => {
  let operator: TestOperator;
  let routes: readonly Described[];
  /** Headers of every role by every kind of credential. */
  const credentials = new Map<string, Readonly<Record<string, string>>>();

  before(async () => {
    operator = await TestOperator.start();
    const { access } = operator.testAccess;
    await operator.server.device({ meterId: 'MINE' });
    await operator.server.device({ meterId: 'OTHER' });
    for (const [i, role] of roles.entries()) {
      const facts = { role, meters: role === 'owner' ? ['MINE'] : [] };
      await access.addUser(`the-${role}`, facts, root);
      const link = await access.makeLink(`the-${role}`, root);
      const { token } = await access.signInByLink(link, `192.0.2.${i}`);
      credentials.set(`${role} session`, { cookie: `gridtokenx-${operator.port}=${token}` });
      const { key, text } = await access.programs.addKey({ name: role, until: undefined, ...facts }, root);
      credentials.set(`${role} key`, { authorization: `Bearer ${text}` });
      const jwt = await access.programs.tokens.issue({ id: key.id, role });
      credentials.set(`${role} token`, { authorization: `Bearer ${jwt.token}` });
    }
    const { json } = await operator.ask('GET', '/openapi.json');
    const paths = json['paths'] as unknown as Record<string, Record<string, { 'x-needs': Right }>>;
    routes = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => method !== 'parameters')
        .map(([method, { 'x-needs': needs }]) => ({ method: method.toUpperCase(), path, needs })),
    );
  });
  after(() => operator[Symbol.asyncDispose]());

  /** The status and code; a stream is let go of at once. */
  const ask = async ({ method, path }: Pick<Described, 'method' | 'path'>, headers: Record<string, string>) => {
    const ending = new AbortController();
    const url = `http://127.0.0.1:${operator.port}/api/v1${path.replaceAll(/\{\w+\}/g, 'NOTHING')}`;
    const response = await fetch(url, { method, headers, signal: ending.signal });
    const isStream = String(response.headers.get('content-type')).startsWith('text/event-stream');
    const text = isStream ? '' : await response.text();
    ending.abort();
    const code = text.startsWith('{') ? (JSON.parse(text) as { code?: string }).code : undefined;
    return { status: response.status, code };
  };
  const isRefused = ({ status, code = '' }: { status: number; code?: string | undefined }): boolean =>
    status === 401 || code === 'GTX-ACC-002';

  test('without a credential only what is open answers, and on loopback the live campus: else 401', async () => {
    for (const route of routes) {
      const answer = await ask(route, {});
      const isFree = route.needs === 'open' || route.needs === 'watch';
      const what = `${route.method} ${route.path}: ${answer.status} ${answer.code}`;
      if (isFree) assert.notEqual(answer.code, 'GTX-ACC-001', what);
      else assert.deepEqual([answer.status, answer.code], [401, 'GTX-ACC-001'], what);
    }
  });

  for (const kind of ['session', 'key', 'token'] as const) {
    test(`by a ${kind} a role is let through where it may, and 403 where not`, async () => {
      for (const role of roles) {
        for (const route of routes) {
          // It would end the session that the next ones are asked with.
          if (route.path === '/access/sign-out') continue;
          const answer = await ask(route, { ...credentials.get(`${role} ${kind}`) });
          const what = `${role} ${kind}: ${route.method} ${route.path}: ${answer.status} ${answer.code}`;
          if (!mayDo[route.needs].includes(role))
            assert.deepEqual([answer.status, answer.code], [403, 'GTX-ACC-002'], what);
          else if (route.needs === 'self') assert.notEqual(answer.code, 'GTX-ACC-001', what);
          // No such device is nobody's own.
          else if (role === 'owner' && /\{(?:device|meterId)\}/.test(route.path))
            assert.equal(answer.status, 403, what);
          else assert.ok(!isRefused(answer), what);
        }
      }
    });
  }

  test('what is let through is done: an operator adds, an auditor looks, a viewer does neither', async () => {
    const as = async (role: Role, method: string, path: string, body?: unknown) =>
      (await operator.ask(method, path, body, { authorization: '', ...credentials.get(`${role} key`) })).status;
    const program = { primacy: 7, description: 'Feeder 7' };
    // Those of the tests before count no more.
    operator.testAccess.ahead += 61;
    assert.equal(await as('operator', 'POST', '/programs', program), 201);
    assert.equal(await as('auditor', 'POST', '/programs', program), 403);
    assert.equal(await as('viewer', 'POST', '/programs', program), 403);
    assert.equal(await as('auditor', 'GET', '/programs'), 200);
    assert.equal(await as('viewer', 'GET', '/programs'), 403);
    assert.equal(await as('auditor', 'GET', '/access/users'), 200);
    assert.equal(await as('operator', 'GET', '/access/users'), 403);
    const refusal = operator.testAccess.entries.find(
      ({ kind, actor }) => kind === 'refusal' && actor === 'key auditor',
    );
    assert.match(String(refusal?.detail?.['reason']), /^GTX-ACC-002 .*\/programs/);
    const action = operator.testAccess.entries.findLast(({ kind }) => kind === 'operator-action');
    assert.deepEqual([action?.actor, action?.subject], ['key operator', 'POST /api/v1/programs']);
  });

  test('an owner sees the own building and no other, by any credential', async () => {
    for (const kind of ['session', 'key', 'token']) {
      const headers = { authorization: '', ...credentials.get(`owner ${kind}`) };
      const status = async (path: string) => (await operator.ask('GET', path, undefined, headers)).status;
      assert.equal(await status('/devices/MINE/explain'), 200, kind);
      assert.equal(await status('/devices/OTHER/explain'), 403, kind);
      assert.equal(await status('/devices/MINE'), 403, kind);
      const { json } = await operator.ask('GET', '/meters', undefined, headers);
      assert.deepEqual(json['meters'], [], kind);
    }
  });

  test('a wrong credential is refused also where none is needed', async () => {
    const wrong = { authorization: `Bearer gtx_${'0'.repeat(12)}_${'x'.repeat(43)}` };
    assert.deepEqual(await ask({ method: 'GET', path: '/snapshot' }, wrong), { status: 401, code: 'GTX-ACC-003' });
  });

  test('an ended session is nobody: it sees what nobody sees', async () => {
    const cookie = `gridtokenx-${operator.port}=${'x'.repeat(43)}`;
    assert.equal((await ask({ method: 'GET', path: '/snapshot' }, { cookie })).status, 200);
    assert.equal((await ask({ method: 'GET', path: '/settings' }, { cookie })).status, 401);
  });
});

test('a route that does not say what it needs cannot be added', async (t) => {
  const app = fastify();
  t.after(() => app.close());
  const given = { access: () => undefined, isWatchOpen: true, cookieName: () => '', meterOf: () => undefined };
  authorise(app, given);
  assert.throws(() => app.get('/everything', async () => 'secret'), /GET \/everything does not say what it needs/);
});
