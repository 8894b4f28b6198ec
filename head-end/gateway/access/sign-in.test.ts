import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { wallSeconds } from '#hal/wall.ts';
import { TestOperator } from '../operator/test-operator.ts';

const good = 'four words in a row';

suite('signing in over REST', { concurrency: false }, () => {
  let operator: TestOperator;
  let cookie = '';

  before(async () => {
    operator = await TestOperator.start();
  });
  after(() => operator[Symbol.asyncDispose]());
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = { cookie }) =>
    operator.ask(method, `/access${path}`, body, { authorization: '', ...headers });
  const cookieOf = ({ headers }: { headers: Headers }): string => headers.get('set-cookie') ?? '';

  test('the link of the first start signs in once, and the cookie is out of reach of scripts and other sites', async () => {
    const nobody = await ask('GET', '/me');
    assert.deepEqual(nobody.json, { who: null, dashboard: 'open', takesPasskeys: false });
    const answer = await ask('POST', '/link-sign-in', { link: operator.firstLink });
    assert.equal(answer.status, 200);
    const [pair = '', ...attributes] = cookieOf(answer).split('; ');
    assert.match(pair, new RegExp(`^gridtokenx-${operator.port}=[\\w-]{43}$`));
    assert.deepEqual(attributes, ['Max-Age=3600', 'Path=/', 'HttpOnly', 'SameSite=Strict']);
    cookie = pair;
    assert.deepEqual((await ask('GET', '/me')).json['who'], {
      name: 'administrator',
      role: 'administrator',
      meters: [],
    });
    const again = await ask('POST', '/link-sign-in', { link: operator.firstLink }, {});
    assert.deepEqual([again.status, again.json.code], [410, 'GTX-ACC-007']);
  });

  test('a password is set, asked for and changed; three wrong ones are told how long to wait', async () => {
    assert.equal((await ask('GET', '/account')).json['byLink'], true);
    const weak = await ask('PUT', '/account/password', { password: 'short' });
    assert.deepEqual([weak.status, weak.json.code], [422, 'GTX-ACC-006']);
    assert.equal((await ask('PUT', '/account/password', { password: good })).status, 204);
    const signedIn = await ask('POST', '/sign-in', { name: 'Administrator', password: good }, {});
    assert.equal(signedIn.status, 200);
    cookie = cookieOf(signedIn).split(';')[0] ?? '';
    const wrong = { present: 'wrong', password: `${good} more` };
    const refused = await ask('PUT', '/account/password', wrong);
    assert.deepEqual([refused.status, refused.json.code], [401, 'GTX-ACC-003']);
    assert.match(String(refused.headers.get('www-authenticate')), /^Bearer/);
    for (let i = 0; i < 2; i++) await ask('PUT', '/account/password', wrong);
    const locked = await ask('POST', '/sign-in', { name: 'administrator', password: good }, {});
    assert.deepEqual([locked.status, locked.json.code, locked.headers.get('retry-after')], [429, 'GTX-ACC-004', '30']);
    operator.testAccess.ahead += 60;
  });

  test('an administrator adds people and keys, and the answers hold no secret but the one that is shown once', async () => {
    const added = await ask('POST', '/users', { name: 'Ada', role: 'operator' });
    assert.deepEqual([added.status, added.json['name']], [201, 'ada']);
    const link = (await ask('POST', '/users/ada/link')).json['link'] as string;
    assert.match(link, new RegExp(`^http://127\\.0\\.0\\.1:${operator.port}/sign-in\\.html#link=[\\w-]{43}$`));
    const made = await ask('POST', '/keys', { name: 'billing', role: 'auditor' });
    assert.match(made.json['key'] as string, /^gtx_[0-9a-f]{12}_[\w-]{43}$/);
    const listed = JSON.stringify([(await ask('GET', '/users')).json, (await ask('GET', '/keys')).json]);
    assert.ok(!listed.includes((made.json['key'] as string).slice(17)) && !listed.includes('argon2'));
    for (const [body, place] of [
      [{ name: 'Ada', role: 'king' }, '/role'],
      [{ name: 'a b', role: 'viewer' }, '/name'],
      [{ name: 'eve', role: 'owner' }, '/meters'],
      [{ name: 'eve', role: 'viewer', meters: ['X'] }, '/meters'],
      [{ name: 'eve', role: 'owner', meters: ['NOTHING'] }, '/meters/0'],
    ] as const) {
      const { status, json } = await ask('POST', '/users', body);
      assert.deepEqual([status, json.code, json.detail.startsWith(place)], [422, 'GTX-OPR-002', true], json.detail);
    }
    const taken = await ask('POST', '/users', { name: 'ADA', role: 'viewer' });
    assert.deepEqual([taken.status, taken.json.code], [409, 'GTX-ACC-009']);
    const last = await ask('PATCH', '/users/administrator', { role: 'viewer' });
    assert.deepEqual([last.status, last.json.code], [409, 'GTX-ACC-009']);
    assert.equal((await ask('DELETE', '/users/ada')).status, 204);
    assert.deepEqual((await ask('DELETE', '/users/ada')).json.code, 'GTX-ACC-008');
    assert.equal((await ask('DELETE', `/keys/${made.json.id}`)).status, 204);
  });

  test('a key gets a token that anyone can check by the published keys; people and tokens get none', async () => {
    const made = await ask('POST', '/keys', { name: 'grid', role: 'viewer' });
    const bearer = { authorization: `Bearer ${made.json['key'] as string}` };
    const { status, json } = await ask('POST', '/token', undefined, bearer);
    assert.deepEqual([status, json['token_type'], json['expires_in']], [200, 'Bearer', 900]);
    const token = json['access_token'] as string;
    const url = new URL(`http://127.0.0.1:${operator.port}/.well-known/jwks.json`);
    const keys = createRemoteJWKSet(url, { [customFetch]: fetch });
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      currentDate: new Date((wallSeconds() + operator.testAccess.ahead) * 1000),
    });
    assert.deepEqual([payload['role'], payload.sub, protectedHeader.alg], ['viewer', made.json.id, 'ES256']);
    const again = await ask('POST', '/token', undefined, { authorization: `Bearer ${token}` });
    assert.deepEqual([again.status, again.json.code], [401, 'GTX-ACC-003']);
    assert.equal((await ask('POST', '/token')).status, 401);
  });

  test('a passkey takes a name: by an address it is told which', async () => {
    const { status, json } = await ask('POST', '/passkey-request');
    assert.deepEqual([status, json.code], [422, 'GTX-ACC-011']);
    assert.match(json['hint'] as string, new RegExp(`http://localhost:${operator.port}`));
  });

  test('a stream of a session ends with it', async () => {
    const signedIn = await ask('POST', '/sign-in', { name: 'administrator', password: good }, {});
    const own = cookieOf(signedIn).split(';')[0] ?? '';
    const stream = await fetch(`http://127.0.0.1:${operator.port}/api/v1/events`, { headers: { cookie: own } });
    const reader = stream.body!.getReader();
    await reader.read();
    const out = await ask('POST', '/sign-out', undefined, { cookie: own });
    assert.equal(out.status, 204);
    assert.match(cookieOf(out), /^gridtokenx-\d+=; Max-Age=0/);
    operator.source.push(operator.source.current());
    while (!(await reader.read()).done);
    assert.equal((await ask('GET', '/account', undefined, { cookie: own })).status, 401);
  });
});
