import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { PoolClient } from 'pg';
import type { Database } from './database.ts';
import { SharedCommits, type Write } from './shared-commits.ts';
import { startTestDatabase } from './test-database.ts';

suite('changes that share commits', { concurrency: false }, () => {
  let database: Database;
  before(async () => {
    database = await startTestDatabase();
    await database.pool.query('CREATE TABLE written (name text PRIMARY KEY, tx bigint)');
  });
  after(() => database[Symbol.asyncDispose]());

  const insert = (client: PoolClient, name: string): Promise<unknown> =>
    client.query('INSERT INTO written VALUES ($1, pg_current_xact_id()::text::bigint)', [name]);
  const writing =
    (name: string): Write<string> =>
    async (client) => {
      await insert(client, name);
      return () => name;
    };
  const transactions = async (...names: readonly string[]): Promise<readonly string[]> => {
    const { rows } = await database.pool.query<{ tx: string }>(
      'SELECT tx FROM written JOIN unnest($1::text[]) WITH ORDINALITY AS asked (name, place) USING (name) ORDER BY place',
      [names],
    );
    return rows.map(({ tx }) => tx);
  };

  test('those that come together share a commit, but not two of one scope', async () => {
    const commits = new SharedCommits(database.pool);
    const names = ['first', 'a1', 'b1', 'a2', 'c1'];
    const answers = await Promise.all(
      names.map((name) => commits.take(name === 'first' ? name : name.charAt(0), writing(name))),
    );
    assert.deepEqual(answers, names);
    const [first, a1, b1, a2, c1] = await transactions(...names);
    assert.deepEqual([first, a1], [b1, b1]);
    assert.equal(a2, c1);
    assert.notEqual(a1, a2);
  });

  test('one without a scope has a commit of its own', async () => {
    const commits = new SharedCommits(database.pool);
    await Promise.all([
      commits.take('x', writing('before')),
      commits.take('y', writing('with')),
      commits.take(undefined, writing('alone')),
      commits.take('z', writing('after')),
    ]);
    const [earlier, sharing, alone, later] = await transactions('before', 'with', 'alone', 'after');
    assert.equal(earlier, sharing);
    assert.equal(new Set([earlier, alone, later]).size, 3);
  });

  test('one that is refused does not keep the others from theirs, and answers come after the commit', async () => {
    const commits = new SharedCommits(database.pool);
    const seen: string[] = [];
    const observed =
      (name: string): Write<void> =>
      async (client) => {
        await insert(client, name);
        return () => void seen.push(name);
      };
    const results = await Promise.allSettled([
      commits.take('p', observed('p')),
      commits.take('q', observed('q')),
      commits.take('r', observed('q')),
      commits.take('s', observed('s')),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(seen, ['p', 'q', 's']);
    assert.equal((await transactions('p', 'q', 's')).length, 3);
  });
});
