import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPassword, Passwords } from './password.ts';
import { cheapPasswords } from './test-access.ts';

test('a password is hashed with argon2id as RFC 9106 recommends, and the hash says how', async () => {
  const passwords = new Passwords();
  const hash = await passwords.hash('four words in a row');
  assert.match(hash, /^\$argon2id\$v=19\$m=65536,t=3,p=4\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.ok(await passwords.verify('four words in a row', hash));
  assert.ok(!(await passwords.verify('four words in a rov', hash)));
});

test('a hash of another cost is still verified, the same text in another form of Unicode too', async () => {
  const hash = await new Passwords({ passes: 2, parallelism: 1, memory: 128 }).hash('né de la dernière pluie');
  const passwords = new Passwords(cheapPasswords);
  assert.ok(await passwords.verify('ne\u0301 de la dernie\u0300re pluie', hash));
});

test('without a hash nothing verifies, and no two hashes are alike', async () => {
  const passwords = new Passwords(cheapPasswords);
  assert.ok(!(await passwords.verify('', undefined)));
  assert.ok(!(await passwords.verify('anything', undefined)));
  assert.notEqual(await passwords.hash('the same'), await passwords.hash('the same'));
});

test('of many at once some wait and the rest is told to come later', async () => {
  const passwords = new Passwords({ passes: 1, parallelism: 1, memory: 1024 });
  const all = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => passwords.hash(`password ${i}`)));
  const refused = all.filter((one) => one.status === 'rejected').map(({ reason }) => (reason as { code: string }).code);
  assert.equal(all.length - refused.length, 34);
  assert.deepEqual(new Set(refused), new Set(['GTX-ACC-012']));
  assert.match(await passwords.hash('afterwards'), /^\$argon2id/);
});

test('passwords that are short, long, of few characters or little more than a name are refused', () => {
  for (const password of [
    'short',
    'a'.repeat(257),
    'aaaaaaaaaaaaaaaaaaaa',
    'ada-lovelace-ada-lovelace',
    'GridTokenXGridTokenX',
  ]) {
    assert.throws(() => checkPassword(password, 'ada-lovelace'), { code: 'GTX-ACC-006' }, password);
  }
  checkPassword('four words in a row', 'ada');
});
