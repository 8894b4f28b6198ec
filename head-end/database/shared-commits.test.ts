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
    (name: string): Write<string, string, string> =>
    async (client) => {
      await insert(client, name);
      return { answer: () => name };
    };
  /** By one statement, which tells how many rows it was given. */
  const insertAll = async (client: PoolClient, names: readonly string[]): Promise<readonly string[]> => {
    const text = 'INSERT INTO written SELECT *, pg_current_xact_id()::text::bigint FROM unnest($1::text[])';
    await client.query(text, [names]);
    return names.map((name) => `${name} of ${names.length}`);
  };
  const newCommits = () => new SharedCommits(database.pool, insertAll);
  const transactions = async (...names: readonly string[]): Promise<readonly string[]> => {
    const { rows } = await database.pool.query<{ tx: string }>(
      'SELECT tx FROM written JOIN unnest($1::text[]) WITH ORDINALITY AS asked (name, place) USING (name) ORDER BY place',
      [names],
    );
    return rows.map(({ tx }) => tx);
  };

  test('those that come together share a commit, but not two of one scope', async () => {
    const commits = newCommits();
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
    const commits = newCommits();
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
    const commits = newCommits();
    const seen: string[] = [];
    const observed =
      (name: string): Write<string, string, void> =>
      async (client) => {
        await insert(client, name);
        return { answer: () => void seen.push(name) };
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

  test('the rows of those that share a commit are stored by one statement, and each is answered for its own', async () => {
    const commits = newCommits();
    const storing = (name: string) => commits.keep(name, () => ({ row: name, answer: (stored) => stored }));
    const answers = await Promise.all([
      storing('row 1'),
      commits.take('no row', async (client) => {
        await insert(client, 'no row');
        return { answer: (stored) => stored };
      }),
      storing('row 2'),
    ]);
    assert.deepEqual(answers, ['row 1 of 2', undefined, 'row 2 of 2']);
    const [first, second, third] = await transactions('row 1', 'no row', 'row 2');
    assert.deepEqual([first, first], [second, third]);
  });

  test('a row that is refused does not keep the others from theirs', async () => {
    const commits = newCommits();
    const storing = (scope: string, name: string) =>
      commits.keep(scope, () => ({ row: name, answer: (stored) => stored }));
    const results = await Promise.allSettled([storing('1', 'good'), storing('2', 'good'), storing('3', 'better')]);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : 'refused')),
      ['good of 1', 'refused', 'better of 1'],
    );
  });

  test('a change whose answer throws is refused alone, though it is on the disk', async () => {
    const commits = newCommits();
    const fault = new Error('not what was wanted');
    const results = await Promise.allSettled([
      commits.keep('t', () => ({
        row: 'thrown',
        answer: () => {
          throw fault;
        },
      })),
      commits.keep('u', () => ({ row: 'told', answer: (stored) => stored })),
    ]);
    assert.deepEqual(results, [
      { status: 'rejected', reason: fault },
      { status: 'fulfilled', value: 'told of 2' },
    ]);
  });
});
