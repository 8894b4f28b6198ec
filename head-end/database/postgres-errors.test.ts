import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectTo, databaseError } from './connect.ts';
import { canRun, copyBinaries, findBinaries, hasLinks, majorOf } from './postgres-binaries.ts';
import { folderError, serverError } from './postgres-errors.ts';

const cases: [said: string, code: string][] = [
  ['initdb: error: could not write to file "pg_wal/x": No space left on device', 'GTX-DB-003'],
  ['PANIC:  could not write to file "pg_wal/xlogtemp.5": No space left on device', 'GTX-DB-003'],
  ['FATAL:  lock file "postmaster.pid" already exists', 'GTX-DB-005'],
  [
    'DETAIL:  The data directory was initialized by PostgreSQL version 16, which is not compatible with this version 18.4.',
    'GTX-DB-004',
  ],
  ['FATAL:  could not open file "x": Permission denied', 'GTX-DB-002'],
  ['initdb: could not look up effective user ID 12345: user does not exist', 'GTX-DB-006'],
  ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'GTX-DB-006'],
];
for (const [said, code] of cases) {
  test(`"${said}" is ${code}`, () => {
    assert.equal(serverError('GTX-DB-006', 'PostgreSQL did not start', '/data', ['LOG:  starting', said]).code, code);
  });
}

test('a full disk is told from a folder that is not writable', () => {
  assert.equal(folderError('/data', Object.assign(new Error('x'), { code: 'ENOSPC' })).code, 'GTX-DB-003');
  assert.equal(folderError('/data', Object.assign(new Error('x'), { code: 'EROFS' })).code, 'GTX-DB-002');
  assert.equal(folderError('/data', new Error('x')).code, 'GTX-DB-006');
  assert.equal(databaseError(Object.assign(new Error('x'), { code: '53100' })).code, 'GTX-DB-003');
});

test('a database address of another kind is refused', () => {
  assert.throws(() => connectTo('mysql://localhost/x'), { code: 'GTX-DB-008', kind: 'input' });
  assert.deepEqual(connectTo('postgres://a:b@host/c'), { connectionString: 'postgres://a:b@host/c' });
});

test('binaries are copied once, whole, with their links, and run for anyone', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'gridtokenx-bin-'));
  chmodSync(parent, 0o755);
  t.after(() => rmSync(parent, { recursive: true }));
  const found = findBinaries();
  assert.match(majorOf(found), /^\d+$/);
  const [copy, same] = await Promise.all([copyBinaries(found, parent), copyBinaries(found, parent)]);
  assert.deepEqual(copy, same);
  assert.deepEqual(readdirSync(parent).length, 1);
  assert.ok(hasLinks(copy));
  assert.equal(readlinkSync(join(copy.folder, 'lib', 'libpq.so.5')).startsWith('libpq.so.5.'), true);
  assert.ok(existsSync(join(copy.folder, 'share')));
  const who =
    process.getuid?.() === 0
      ? { uid: 64123, gid: 64123 }
      : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  assert.ok(canRun(copy, who));
});
