import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { GridError } from '#hal/errors.ts';
import { runProgram } from './program.ts';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly loaded: readonly string[];
}

async function runWith(args: readonly string[], action: () => Promise<void> | void, debug = false): Promise<Run> {
  let [stdout, stderr] = ['', ''];
  const loaded: string[] = [];
  const subcommand = (name: string) => ({
    name,
    summary: `does ${name}`,
    load: () => {
      loaded.push(name);
      const inner = new Command('init').requiredOption('--out <dir>', 'where to').action(action);
      return Promise.resolve(new Command(name).addCommand(inner));
    },
  });
  const output = { stdout: (text: string) => (stdout += text), stderr: (text: string) => (stderr += text) };
  const subcommands = [subcommand('first'), subcommand('second')];
  const code = await runProgram(args, { version: '1.2.3', subcommands, output, debug });
  return { code, stdout, stderr, loaded };
}

const nothing = (): void => undefined;
const fail = (): Promise<void> => Promise.reject(new Error('split', { cause: new Error('frost') }));

test('help lists every command on stdout without loading one', async () => {
  const { code, stdout, loaded } = await runWith(['--help'], nothing);
  assert.equal(code, 0);
  assert.match(stdout, /first\s+does first\n\s+second\s+does second/);
  assert.deepEqual(loaded, []);
});

test('the help of a command shows its options', async () => {
  for (const args of [
    ['first', 'init', '--help'],
    ['first', 'help', 'init'],
  ]) {
    const { code, stdout, loaded } = await runWith(args, nothing);
    assert.equal(code, 0);
    assert.match(stdout, /--out <dir>/);
    assert.deepEqual(loaded, ['first']);
  }
});

test('wrong usage exits with 2 and a line that has a code and a hint', async () => {
  const cases: [string[], RegExp][] = [
    [[], /^(Usage[^]*)?GTX-CLI-002 A command is missing\n {2}hint: `gridtokenx --help`/],
    [['frist'], /^GTX-CLI-002 unknown command 'frist'[^]*hint: `gridtokenx --help`/],
    [['--verison'], /^GTX-CLI-002 unknown option '--verison'/],
    [
      ['first', 'init'],
      /^GTX-CLI-002 required option '--out <dir>' not specified\n {2}hint: `gridtokenx first init --help`/,
    ],
    [['first', 'init', '--out'], /^GTX-CLI-002 option '--out <dir>' argument missing/],
    [['first', 'init', '--out', 'x', 'y'], /^GTX-CLI-002 too many arguments/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await runWith(args, nothing);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, expected);
  }
});

test('an input error exits with 2 and a runtime error with 1, both told by code and hint', async () => {
  for (const [kind, expected] of [
    ['input', 2],
    ['runtime', 1],
  ] as const) {
    const { code, stderr } = await runWith(['first', 'init', '--out', 'x'], () => {
      throw new GridError('GTX-XYZ-001', 'It does not fit', { kind, hint: 'Turn it round.' });
    });
    assert.equal(code, expected);
    assert.equal(stderr, 'GTX-XYZ-001 It does not fit\n  hint: Turn it round.\n');
  }
});

test('an error that nobody foresaw exits with 1, its stack shown only at debug', async () => {
  const plain = await runWith(['first', 'init', '--out', 'x'], fail);
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /^GTX-CLI-999 Unexpected error: split\n {2}hint: /);
  assert.doesNotMatch(plain.stderr, /\n\s+at /);
  const debug = await runWith(['first', 'init', '--out', 'x'], fail, true);
  assert.match(debug.stderr, /Error: split\n\s+at [^]*Error: frost\n\s+at /);
});

test('a command that did what it says exits with 0', async () => {
  const { code, stderr } = await runWith(['first', 'init', '--out', 'x'], nothing);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});
