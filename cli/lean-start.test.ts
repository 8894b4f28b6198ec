import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const gridtokenx = join(import.meta.dirname, 'gridtokenx.js');
/** Tells at the end what Node was told, whether it had to compile, and which packages were loaded. */
const witness = `data:text/javascript,import { registerHooks } from 'node:module';
const packages = new Set();
registerHooks({ load: (url, context, next) => {
  packages.add(/\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
  return next(url, context);
}});
process.on('exit',()=>process.stdout.write(JSON.stringify({
  flags: process.execArgv.filter((flag) => flag.startsWith('--max-semi')),
  arenas: process.env.MALLOC_ARENA_MAX,
  mayBegin: process.env.GRIDTOKENX_MAY_BEGIN_ANEW,
  hasCompiled: process.moduleLoadList.includes('NativeModule internal/deps/amaro/dist/index'),
  hasFetch: process.moduleLoadList.includes('NativeModule internal/deps/undici/undici'),
  packages: [...packages],
}) + '\\n'))`.replaceAll('\n', ' ');

function run(cache: string, ...args: string[]) {
  // Measuring the coverage of tests turns the cache off.
  const { NODE_V8_COVERAGE: _coverage, NODE_DISABLE_COMPILE_CACHE: _off, ...environment } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', witness, gridtokenx, ...args], {
    encoding: 'utf8',
    env: { ...environment, NODE_COMPILE_CACHE: cache },
  });
  const said = stdout.trim().split('\n').at(-1) ?? '';
  return { status, stderr, told: JSON.parse(said) as Readonly<Record<string, unknown>> };
}

test('edge runs lean from its first start on, and tells of errors as ever; other commands run as they were started', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-lean-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const lean = { flags: ['--max-semi-space-size=1'], arenas: '1', hasCompiled: false, hasFetch: false };
  for (const start of ['first', 'second']) {
    const { status, stderr, told } = run(
      folder,
      'edge',
      '--board',
      `${folder}/none.yaml`,
      '--server',
      'https://[::1]:1',
    );
    const { packages, ...rest } = told;
    assert.deepEqual(rest, lean, start);
    assert.ok((packages as string[]).includes('pino'), 'it was looked');
    for (const heavy of ['typebox', 'undici', 'yaml', 'fastify', 'mqtt', 'serialport', 'koffi', '@peculiar/x509']) {
      assert.ok(!(packages as string[]).includes(heavy), `${heavy} takes memory that a board needs`);
    }
    assert.match(stderr, /^GTX-BRD-001 /);
    assert.equal(status, 2);
  }
  assert.deepEqual(run(folder, '--version').told['flags'], []);
});
