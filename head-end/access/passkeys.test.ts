import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import type { SignedIn } from './access.ts';
import { type Site, takesPasskeys } from './passkeys.ts';
import { TestAccess } from './test-access.ts';
import { type Deviation, TestAuthenticator } from './test-authenticator.ts';

const site: Site = { origin: 'https://grid.example:8443', host: 'grid.example', port: ':8443' };
const elsewhere = '192.0.2.1';

suite('passkeys', { concurrency: false }, () => {
  let database: Database;
  let given: TestAccess;
  let person: SignedIn;

  before(async () => {
    database = await startTestDatabase();
    given = new TestAccess(database.pool);
    const { firstLink = '' } = await given.access.start();
    const { session } = await given.access.signInByLink(firstLink, elsewhere);
    person = { user: given.access.users.named('administrator'), session };
  });
  after(() => database[Symbol.asyncDispose]());

  /** Who has signed in just now: a passkey more is another state of the person, and takes a fresh sign-in. */
  const now = (): SignedIn => ({
    user: given.access.users.named('administrator'),
    session: { ...person.session, until: UnixSeconds(wallSeconds() + given.ahead + 3600) },
  });
  const made = async (): Promise<TestAuthenticator> => {
    const authenticator = new TestAuthenticator();
    const { challenge } = await given.access.passkeyCreation(now(), site);
    await given.access.addPasskey(now(), site, 'test', authenticator.create(challenge, site));
    given.ahead += 60;
    return authenticator;
  };
  const signIn = async (authenticator: TestAuthenticator, deviation?: Deviation): Promise<string | undefined> => {
    const { challenge } = await given.access.passkeyRequest(site, elsewhere);
    const answer = authenticator.get(challenge, site, deviation);
    const { token } = await given.access.signInByPasskey(site, answer, elsewhere);
    return given.access.byCookie(token)?.name;
  };

  test('one that was made signs its person in, again and again', async () => {
    const authenticator = await made();
    assert.equal(await signIn(authenticator), 'administrator');
    assert.equal(await signIn(authenticator), 'administrator');
    assert.deepEqual(await new TestAccess(database.pool).access.start(), { firstLink: undefined });
  });

  for (const [why, deviation] of [
    ['of another page', { origin: 'https://evil.example' }],
    ['of the same name without TLS', { origin: 'http://grid.example:8443' }],
    ['for another relying party', { host: 'evil.example' }],
    ['without the person being verified', { isVerified: false }],
  ] as const) {
    test(`an answer ${why} is refused, when it is made and when it signs in`, async () => {
      const authenticator = await made();
      await assert.rejects(signIn(authenticator, deviation), { code: 'GTX-ACC-010' });
      const { challenge } = await given.access.passkeyCreation(now(), site);
      const other = new TestAuthenticator().create(challenge, site, deviation);
      await assert.rejects(given.access.addPasskey(now(), site, 'x', other), { code: 'GTX-ACC-010' });
    });
  }

  test('a copy that has signed less often than the original is refused', async () => {
    const authenticator = await made();
    await signIn(authenticator);
    await assert.rejects(signIn(authenticator, { counter: 1 }), { code: 'GTX-ACC-010' });
  });

  test('a challenge is good once, for what it was made, for five minutes', async () => {
    const { access } = given;
    const authenticator = await made();
    const use = (challenge: string) => access.signInByPasskey(site, authenticator.get(challenge, site), elsewhere);
    const { challenge } = await access.passkeyRequest(site, elsewhere);
    await use(challenge);
    await assert.rejects(use(challenge), { code: 'GTX-ACC-010' });
    const late = await access.passkeyRequest(site, elsewhere);
    given.ahead += 301;
    await assert.rejects(use(late.challenge), { code: 'GTX-ACC-010' });
    given.ahead += 86_400;
    const creation = await access.passkeyCreation(now(), site);
    await assert.rejects(use(creation.challenge), { code: 'GTX-ACC-010' });
  });

  test('three answers that do not fit lock the passkey, and the password beside it is not locked', async () => {
    const authenticator = await made();
    for (let i = 0; i < 3; i++)
      await assert.rejects(signIn(authenticator, { isVerified: false }), { code: 'GTX-ACC-010' });
    await assert.rejects(signIn(authenticator), { code: 'GTX-ACC-004', retryAfter: 30 });
    assert.equal(given.access.lockedFor(now().user), 0);
    given.ahead += 31;
    assert.equal(await signIn(authenticator), 'administrator');
  });

  test('a quarter of an hour after a sign-in its session adds no passkey', async () => {
    const stale = now();
    given.ahead += 899;
    await given.access.passkeyCreation(stale, site);
    given.ahead += 2;
    await assert.rejects(given.access.passkeyCreation(stale, site), { code: 'GTX-ACC-014' });
  });

  test('a new link takes the passkeys away, also from the database', async () => {
    const authenticator = await made();
    const root = {
      name: 'root',
      role: 'administrator',
      meters: [],
      by: { key: '0' },
      until: now().session.until,
    } as const;
    await given.access.makeLink('administrator', root);
    await assert.rejects(signIn(authenticator), { code: 'GTX-ACC-010' });
    assert.deepEqual(now().user.passkeys, []);
    assert.notEqual((await new TestAccess(database.pool).access.start()).firstLink, undefined);
  });

  test('only where a page was opened by a name is there a passkey', () => {
    for (const host of ['localhost', 'grid.example', 'a1.example']) assert.ok(takesPasskeys({ ...site, host }), host);
    for (const host of ['127.0.0.1', '[::1]', '192.0.2.7']) assert.ok(!takesPasskeys({ ...site, host }), host);
  });
});
