import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import type { Principal } from './principal.ts';
import { keyText, readKey } from './secret.ts';
import { TestAccess } from './test-access.ts';
import { tokenSeconds } from './tokens.ts';

const administrator: Principal = {
  name: 'root',
  role: 'administrator',
  meters: [],
  by: { key: '0' },
  until: Number.MAX_SAFE_INTEGER as Principal['until'],
};
const good = 'four words in a row';
const elsewhere = '192.0.2.1';

suite('who may use REST', { concurrency: false }, () => {
  let database: Database;
  let given: TestAccess;
  let count = 0;

  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database[Symbol.asyncDispose]());
  const open = async (): Promise<{ firstLink: string | undefined }> => {
    given = new TestAccess(database.pool);
    return given.access.start();
  };
  /** A person with a password, and who is signed in with it. */
  const person = async (role: 'viewer' | 'operator' = 'viewer') => {
    const { access } = given;
    const name = `person-${++count}`;
    await access.addUser(name, { role, meters: [] }, administrator);
    const link = await access.makeLink(name, administrator);
    const { token, session } = await access.signInByLink(link, `192.0.2.${count}`);
    const user = access.users.named(name);
    await access.setPassword({ user, session }, undefined, good, elsewhere);
    return { name, token, session, link };
  };

  test('the first administrator comes by a link of each start, until one has a password', async () => {
    const first = await open();
    const second = await open();
    assert.ok(first.firstLink !== undefined && second.firstLink !== undefined);
    await assert.rejects(given.access.signInByLink(first.firstLink, elsewhere), { code: 'GTX-ACC-007' });
    const { token, session } = await given.access.signInByLink(second.firstLink, elsewhere);
    const by = given.access.byCookie(token);
    assert.deepEqual([by?.name, by?.role], ['administrator', 'administrator']);
    await assert.rejects(given.access.signInByLink(second.firstLink, elsewhere), { code: 'GTX-ACC-007' });
    const signedIn = { user: given.access.users.named('administrator'), session };
    await assert.rejects(given.access.setPassword(signedIn, undefined, 'administrator!!', elsewhere), {
      code: 'GTX-ACC-006',
    });
    await given.access.setPassword(signedIn, undefined, good, elsewhere);
    assert.deepEqual(await open(), { firstLink: undefined });
    assert.equal(given.access.byCookie(token)?.name, 'administrator');
  });

  test('no secret is in the database', async () => {
    const { token, link } = await person();
    const { text } = await given.access.programs.addKey(
      { name: 'k', role: 'viewer', meters: [], until: undefined },
      administrator,
    );
    const tables = ['access_users', 'access_sessions', 'access_links', 'access_keys'];
    for (const table of tables) {
      const { rows } = await database.pool.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`);
      for (const secret of [token, link, good, readKey(text)?.secret ?? '']) {
        const hex = Buffer.from(secret, 'base64url').toString('hex');
        for (const { row } of rows) assert.ok(!row.includes(secret) && !row.includes(hex), table);
      }
    }
  });

  test('three wrong passwords lock the right one too, for a growing time; a link lifts the lock', async () => {
    const { name } = await person();
    const { access } = given;
    const attempt = (password: string) => access.signIn(name, password, elsewhere);
    for (let i = 0; i < 3; i++) await assert.rejects(attempt('wrong'), { code: 'GTX-ACC-003' });
    await assert.rejects(attempt(good), { code: 'GTX-ACC-004', retryAfter: 30 });
    given.ahead += 31;
    await assert.rejects(attempt('wrong'), { code: 'GTX-ACC-003' });
    await assert.rejects(attempt(good), { code: 'GTX-ACC-004', retryAfter: 60 });
    assert.equal(given.kinds().filter((kind) => kind === 'lock-out').length, 2);
    const { session } = await access.signInByLink(await access.makeLink(name, administrator), elsewhere);
    await access.setPassword({ user: access.users.named(name), session }, undefined, good, elsewhere);
    given.ahead += 10;
    assert.equal(access.byCookie((await attempt(good)).token)?.name, name);
    await assert.rejects(attempt('wrong'), { code: 'GTX-ACC-003' });
  });

  test('a link is the only way in: the password and the sessions from before it end', async () => {
    const { access } = given;
    const { name, token } = await person();
    given.ahead += 600;
    const thief = await access.signIn(name, good, elsewhere);
    const link = await access.makeLink(name, administrator);
    assert.deepEqual([access.byCookie(token), access.byCookie(thief.token)], [undefined, undefined]);
    await assert.rejects(access.signIn(name, good, elsewhere), { code: 'GTX-ACC-003' });
    await open();
    await assert.rejects(given.access.signIn(name, good, elsewhere), { code: 'GTX-ACC-003' });
    const { session } = await given.access.signInByLink(link, elsewhere);
    const user = given.access.users.named(name);
    await given.access.setPassword({ user, session }, undefined, `${good}!`, elsewhere);
    assert.equal(given.access.byCookie((await given.access.signIn(name, `${good}!`, elsewhere)).token)?.name, name);
  });

  test('a sign-in that the head-end was too busy for is no failed one', async () => {
    const { access } = given;
    const { name } = await person();
    given.ahead += 600;
    const rush = Array.from({ length: 40 }, (_, i) => access.signIn(`nobody-${i}`, 'wrong', `198.51.100.${i}`));
    const all = Promise.allSettled(rush);
    const busy = { code: 'GTX-ACC-012' };
    await assert.rejects(rush.at(-1)!, busy);
    for (let i = 0; i < 5; i++) await assert.rejects(access.signIn(name, 'wrong', elsewhere), busy);
    await all;
    assert.equal(access.lockedFor(access.users.named(name)), 0);
    assert.equal(access.byCookie((await access.signIn(name, good, elsewhere)).token)?.name, name);
  });

  test('attempts side by side do not pass the limit', async () => {
    const { name } = await person();
    given.ahead += 60;
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, () => given.access.signIn(name, 'wrong', elsewhere)),
    );
    const codes = all.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'in'));
    assert.equal(codes.filter((code) => code === 'GTX-ACC-003').length, 3);
    assert.equal(codes.filter((code) => code === 'GTX-ACC-004').length, 7);
  });

  test('an unknown name is told the same as a wrong password, and locks the same', async () => {
    given.ahead += 60;
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) {
      await given.access.signIn('nobody-here', 'wrong', elsewhere).catch((error: Error & { code: string }) => {
        codes.push(`${error.code} ${error.message}`);
      });
    }
    assert.deepEqual(new Set(codes.slice(0, 3)), new Set(['GTX-ACC-003 The name or the password is not right']));
    assert.match(codes[3] ?? '', /^GTX-ACC-004/);
    assert.ok(!JSON.stringify(given.entries).includes('nobody-here"'), 'a name that nobody has may be a password');
  });

  test('a source is slowed, not locked, and another one is not slowed by it', async () => {
    const { name } = await person();
    const { access } = given;
    const tries = async (address: string): Promise<string> =>
      access
        .signIn(`${address}-${++count}`, 'wrong', address)
        .catch((error: { code: string }) => error.code) as Promise<string>;
    const codes: string[] = [];
    for (let i = 0; i < 25; i++) codes.push(await tries('198.51.100.7'));
    assert.ok(codes.includes('GTX-ACC-005'));
    await assert.rejects(access.signIn(name, good, '198.51.100.7'), { code: 'GTX-ACC-005', retryAfter: 2 });
    assert.equal(access.byCookie((await access.signIn(name, good, '198.51.100.8')).token)?.name, name);
    given.ahead += 2;
    assert.equal(access.byCookie((await access.signIn(name, good, '198.51.100.7')).token)?.name, name);
  });

  test('a session ends after twelve hours, by signing out, by another password and with its person', async () => {
    const { access } = given;
    const { name } = await person();
    given.ahead += 600;
    const one = await access.signIn(name, good, elsewhere);
    const other = await access.signIn(name, good, elsewhere);
    const user = access.users.named(name);
    await assert.rejects(access.setPassword({ user, session: one.session }, 'wrong', `${good}!`, elsewhere), {
      code: 'GTX-ACC-003',
    });
    await access.setPassword({ user, session: one.session }, good, `${good}!`, elsewhere);
    assert.equal(access.byCookie(other.token), undefined);
    const by = access.byCookie(one.token);
    assert.ok(by !== undefined && access.current(by) !== undefined);
    await access.signOut({ user, session: one.session });
    assert.deepEqual([access.byCookie(one.token), access.current(by)], [undefined, undefined]);
    const third = await access.signIn(name, `${good}!`, elsewhere);
    given.ahead += 12 * 3600 + 1;
    assert.equal(access.byCookie(third.token), undefined);
    const fourth = await access.signIn(name, `${good}!`, elsewhere);
    await access.removeUser(name, administrator);
    assert.equal(access.byCookie(fourth.token), undefined);
  });

  test('of one person ten sessions stand at most, the newest ones', async () => {
    const { access } = given;
    const { name } = await person();
    const tokens: string[] = [];
    for (let i = 0; i < 12; i++) {
      given.ahead += 10;
      tokens.push((await access.signIn(name, good, elsewhere)).token);
    }
    const stand = tokens.map((token) => access.byCookie(token) !== undefined);
    assert.deepEqual(stand, [false, false, ...Array.from({ length: 10 }, () => true)]);
  });

  test('another role holds at once, and somebody always administers', async () => {
    const { access } = given;
    const { name, token } = await person('operator');
    await access.changeUser(name, { role: 'owner', meters: ['METER_1'] }, administrator);
    assert.deepEqual(access.byCookie(token)?.meters, ['METER_1']);
    const change = given.entries.findLast(({ kind }) => kind === 'role-change');
    assert.deepEqual([change?.actor, change?.subject, change?.detail?.['before']], ['key root', name, 'operator']);
    for (const work of [
      () => access.changeUser('administrator', { role: 'viewer', meters: [] }, administrator),
      () => access.removeUser('administrator', administrator),
    ]) {
      await assert.rejects(work(), { code: 'GTX-ACC-009' });
    }
  });

  test('an API key opens until it is revoked or expires, and three wrong secrets lock it', async () => {
    const { access } = given;
    const until = UnixSeconds(wallSeconds() + given.ahead + 1000);
    const { key, text } = await access.programs.addKey(
      { name: 'a', role: 'auditor', meters: [], until },
      administrator,
    );
    assert.deepEqual([(await access.programs.byBearer(text, elsewhere)).role, key.createdBy], ['auditor', 'key root']);
    const wrong = keyText({ id: key.id, secret: 'x'.repeat(43) });
    for (let i = 0; i < 3; i++)
      await assert.rejects(access.programs.byBearer(wrong, elsewhere), { code: 'GTX-ACC-003' });
    await assert.rejects(access.programs.byBearer(text, elsewhere), { code: 'GTX-ACC-004', retryAfter: 30 });
    given.ahead += 31;
    const by = await access.programs.byBearer(text, elsewhere);
    given.ahead += 1000;
    assert.equal(access.current(by), undefined);
    await assert.rejects(access.programs.byBearer(text, elsewhere), { code: 'GTX-ACC-003' });
    const other = await access.programs.addKey(
      { name: 'b', role: 'viewer', meters: [], until: undefined },
      administrator,
    );
    await access.programs.revokeKey(other.key.id, administrator);
    assert.deepEqual(given.kinds().slice(-2), ['key-created', 'key-revoked']);
    await assert.rejects(access.programs.byBearer(other.text, elsewhere), { code: 'GTX-ACC-003' });
  });

  test('the first use of an API key on a day is in the security log, and one that nobody has is refused there', async () => {
    const { access } = given;
    const { key, text } = await access.programs.addKey(
      { name: 'used', role: 'viewer', meters: [], until: undefined },
      administrator,
    );
    const uses = () => given.entries.filter(({ kind, subject }) => kind === 'key-use' && subject === key.id);
    for (let i = 0; i < 3; i++) await access.programs.byBearer(text, elsewhere);
    await access.programs.byBearer(
      (await access.programs.tokens.issue({ id: key.id, role: 'viewer' })).token,
      elsewhere,
    );
    assert.deepEqual(uses(), [{ kind: 'key-use', actor: 'key used', subject: key.id, detail: { address: elsewhere } }]);
    given.ahead += 86_400;
    await access.programs.byBearer(text, elsewhere);
    assert.equal(uses().length, 2);
    for (const unknown of [keyText({ id: '0'.repeat(12), secret: 'x'.repeat(43) }), 'a.b.c']) {
      await assert.rejects(access.programs.byBearer(unknown, '203.0.113.77'), { code: 'GTX-ACC-003' });
      const { kind, actor, detail } = given.entries.at(-1)!;
      assert.deepEqual([kind, actor, detail?.['from']], ['refusal', 'nobody', '203.0.113.77']);
    }
  });

  test('a good key passes however many wrong ones come from its address', async () => {
    const { access } = given;
    const { text } = await access.programs.addKey(
      { name: 'c', role: 'viewer', meters: [], until: undefined },
      administrator,
    );
    for (let i = 0; i < 40; i++)
      await assert.rejects(access.programs.byBearer(`gtx_${'0'.repeat(12)}_${'x'.repeat(43)}`, '203.0.113.5'));
    assert.equal((await access.programs.byBearer(text, '203.0.113.5')).name, 'c');
  });

  test('a token is good for a quarter of an hour, for its key alone, and dies with it', async () => {
    const { access } = given;
    const { key, text } = await access.programs.addKey(
      { name: 'd', role: 'operator', meters: [], until: undefined },
      administrator,
    );
    const by = await access.programs.byBearer(text, elsewhere);
    const { token } = await access.programs.tokens.issue({ id: key.id, role: by.role });
    assert.equal((await access.programs.byBearer(token, elsewhere)).role, 'operator');
    const [head = '', body = '', signature = ''] = token.split('.');
    const forged = [
      `${head}.${Buffer.from(JSON.stringify({ sub: key.id })).toString('base64url')}.${signature}`,
      `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`,
      `${head}.${body}`,
      'nonsense',
    ];
    for (const token_ of forged)
      await assert.rejects(access.programs.byBearer(token_, '203.0.113.9'), { code: 'GTX-ACC-003' });
    given.ahead += tokenSeconds + 1;
    await assert.rejects(access.programs.byBearer(token, elsewhere), { code: 'GTX-ACC-003' });
    const again = await access.programs.tokens.issue({ id: key.id, role: by.role });
    await access.programs.revokeKey(key.id, administrator);
    await assert.rejects(access.programs.byBearer(again.token, elsewhere), { code: 'GTX-ACC-003' });
  });

  test('tokens are signed by another key each day, and the one before is published for as long as a token may be good', async () => {
    const { access } = given;
    const kids = async () => (await access.programs.tokens.jwks()).keys.map(({ kid }) => kid);
    given.ahead += 2 * 86_400;
    const [first] = await kids();
    given.ahead += 86_400;
    const [second, old] = await kids();
    assert.equal(old, first);
    assert.notEqual(second, first);
    given.ahead += 86_401 + tokenSeconds;
    assert.ok(!(await kids()).includes(first));
    const [jwk] = (await access.programs.tokens.jwks()).keys;
    assert.deepEqual([jwk?.alg, jwk?.crv, jwk?.use, jwk?.d], ['ES256', 'P-256', 'sig', undefined]);
  });

  test('who was there before a restart is there after it', async () => {
    const { name, token } = await person('operator');
    const { text } = await given.access.programs.addKey(
      { name: 'e', role: 'viewer', meters: [], until: undefined },
      administrator,
    );
    const { name: other } = await person();
    const link = await given.access.makeLink(other, administrator);
    await open();
    const { access } = given;
    assert.equal(access.byCookie(token)?.name, name);
    assert.equal((await access.programs.byBearer(text, elsewhere)).name, 'e');
    assert.equal(access.byCookie((await access.signInByLink(link, elsewhere)).token)?.name, other);
  });
});
