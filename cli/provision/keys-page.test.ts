import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { accessCommand } from '../access.ts';
import { headEndCommand } from '../head-end.ts';
import { runProgram } from '../program.ts';
import { provisionCommand } from '../provision.ts';
import { quarantineCommand } from '../quarantine.ts';
import { verifyCommand } from '../verify.ts';

const page = await readFile(join(import.meta.dirname, '..', '..', 'provisioning', 'KEYS.md'), 'utf8');
const loaders: Readonly<Record<string, () => Command>> = {
  provision: provisionCommand,
  quarantine: quarantineCommand,
  verify: verifyCommand,
  access: accessCommand,
  'head-end': headEndCommand,
};

/** The words of every command on the page, in its blocks and within its sentences. */
const commandLines = [...page.matchAll(/^gridtokenx ([^#\n]+)|`gridtokenx ([^`]+)`/gm)].map((match) =>
  [...(match[1] ?? match[2] ?? '').trim().matchAll(/"[^"]*"|\S+/g)].map(([word]) => word.replaceAll('"', '')),
);

/** The command that a line names, with what is left for it: arguments and flags. */
function resolved(words: readonly string[]): { command: Command; rest: readonly string[] } {
  const [name = '', ...rest] = words;
  const load = loaders[name];
  assert.ok(load !== undefined, `there is no gridtokenx ${name}`);
  let command = load();
  for (;;) {
    const inner: Command | undefined = command.commands.find((one) => one.name() === rest[0]);
    if (inner === undefined) return { command, rest };
    command = inner;
    rest.shift();
  }
}

test('every command on the page about keys exists, with its flags', () => {
  assert.ok(commandLines.length > 20);
  for (const words of commandLines) {
    const { command, rest } = resolved(words);
    assert.equal(command.commands.length, 0, `gridtokenx ${words.join(' ')} is half a command`);
    for (const flag of rest.filter((word) => word.startsWith('--'))) {
      assert.ok(
        command.options.some(({ long }) => long === flag),
        `gridtokenx ${words.join(' ')}: there is no ${flag}`,
      );
    }
  }
});

/** Those that need nothing but a folder, and no TPM, in the order in which somebody would type them. */
const isLocal = ([program = '', what = '', ...rest]: readonly string[]): boolean =>
  program === 'provision' &&
  !rest.includes('--issuing-key') &&
  ['issue', 'revoke', 'replace', 'inspect', 'status', 'log', 'ca'].includes(what);

test('the commands that need no head-end do what the page says, one after another', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const said: string[] = [];
  t.mock.method(process.stdout, 'write', (text: string) => said.push(text) > 0);
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0);
  const output = { stdout: (text: string) => void said.push(text), stderr: (text: string) => void said.push(text) };
  /** Folders of the page stand in the current one; here in one of their own. */
  const isPath = (word: string): boolean => /^(ca|ca-2|device|device-2|replaced)(\/|$)/.test(word);
  const run = async (words: readonly string[]): Promise<void> => {
    const args = words.map((word, at) => (isPath(word) && words[at - 1] !== 'provision' ? join(folder, word) : word));
    const load = () => Promise.resolve(provisionCommand());
    const subcommands = [{ name: 'provision', summary: '', load }];
    const status = await runProgram(args, { version: '0', subcommands, output, debug: false });
    assert.equal(status, 0, `${words.join(' ')}\n${said.join('')}`);
  };
  await run(['provision', 'ca', 'init', '--out', 'ca']);
  await run(['provision', 'issue', '--ca', 'ca', '--out', 'device', '--serial', 'AMI-1']);
  const done: string[] = [];
  for (const words of commandLines.filter(isLocal)) {
    if (words.length < 3) continue;
    await run(words);
    done.push(words.slice(0, 2).join(' '));
  }
  assert.deepEqual([...new Set(done)].toSorted(), [
    'provision ca',
    'provision inspect',
    'provision issue',
    'provision log',
    'provision replace',
    'provision revoke',
    'provision status',
  ]);
  assert.ok(existsSync(join(folder, 'device-2', 'device.pem')));
  assert.match(said.join(''), /Revoked [0-9A-F]{40} \(keyCompromise\)/);
});
