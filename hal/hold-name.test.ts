import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tryHoldName } from './hold-name.ts';

const isLinux = process.platform === 'linux';

test('a name is held once, and free when it is let go', {
  skip: !isLinux && 'names are held on Linux only',
}, async () => {
  const name = `test ${process.pid} once`;
  const first = await tryHoldName(name);
  assert.ok(first !== undefined);
  assert.equal(await tryHoldName(name), undefined);
  await using other = await tryHoldName(`${name} else`);
  assert.ok(other !== undefined);
  await first[Symbol.asyncDispose]();
  await using second = await tryHoldName(name);
  assert.ok(second !== undefined);
});

test('a process that is stopped keeps its name, one that is killed does not', {
  skip: !isLinux && 'names are held on Linux only',
}, async (t) => {
  const name = `test ${process.pid} killed`;
  const module = fileURLToPath(new URL('hold-name.ts', import.meta.url));
  const script = `import(${JSON.stringify(module)}).then(async ({ tryHoldName }) => {
    await tryHoldName(${JSON.stringify(name)}); console.log('held'); setInterval(() => undefined, 1000); });`;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  assert.equal(await tryHoldName(name), undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await using mine = await tryHoldName(name);
  assert.ok(mine !== undefined);
});
