import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { FlashList } from '#head-end/enrolment/flash-list.ts';
import { TestOperator } from '#head-end/gateway/operator/test-operator.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';
import { gridtokenx } from '../test-command.ts';

test('a board is allowed, listed, released and taken off the list from the command line, by who has a key', async (t) => {
  await using operator = await TestOperator.start();
  const url = `http://127.0.0.1:${operator.port}`;
  const provision = (args: readonly string[], key = operator.key) =>
    gridtokenx(['provision', ...args, '--url', url], {
      env: { ...process.env, GRIDTOKENX_API_KEY: key },
      signal: t.signal,
    });
  const hash = 'AB'.repeat(32);
  const allow = ['allow', hash, '--serial', 'GTX-1', '--building', 'LIBRARY_001'];
  assert.equal((await provision(allow, 'gtx_nobody')).code, 2);
  assert.deepEqual(await provision(allow), { code: 0, stdout: '', stderr: 'GTX-1 may enrol for LIBRARY_001.\n' });
  assert.match((await provision(['allow', hash, '--serial', 'GTX-2', '--building', 'B_001'])).stderr, /GTX-ENR-020/);
  const line = `GTX-1  LIBRARY_001  not enrolled  ${hash.toLowerCase()}\n`;
  assert.equal((await provision(['allowed'])).stdout, line);
  const lfdi = parseLfdi('1'.repeat(40));
  const list = new FlashList(operator.server.database.pool);
  const given = { chain: '', lfdi, attestationKey: new Uint8Array(), at: UnixSeconds(1_800_000_000) };
  const board = { endorsementHash: hash.toLowerCase(), serial: 'GTX-1', building: 'LIBRARY_001' };
  await list.enrol({ ...board, role: 'operational' }, () => Promise.resolve(given));
  assert.match((await provision(['allowed'])).stdout, new RegExp(`^GTX-1 {2}LIBRARY_001 {2}${lfdi} `));
  assert.equal((await provision(['release', 'GTX-1'])).code, 0);
  assert.equal((await provision(['allowed'])).stdout, line);
  assert.equal((await provision(['release', 'GTX-9'])).code, 2);
  assert.deepEqual(await provision(['disallow', 'GTX-1']), {
    code: 0,
    stdout: '',
    stderr: 'GTX-1 may not enrol any more.\n',
  });
  assert.equal((await provision(['disallow', 'GTX-1'])).code, 2);
  assert.equal((await provision(['allow', 'CD'.repeat(32), '--serial', 'GTX-1', '--building', 'LIBRARY_001'])).code, 0);
});
