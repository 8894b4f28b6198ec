import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TpmPort } from '#hal/key-store.ts';
import { persistentHandles, TpmKeys } from '#provisioning/tpm/tpm-keys.ts';
import { selfTest } from '#provisioning/tpm/self-test.ts';
import { Tpm } from '#provisioning/tpm/tpm.ts';
import { gridtokenx } from '#cli/test-command.ts';
import { debianPackage } from '../debian-packages.ts';
import { plainSwtpm } from './swtpm-maker.ts';

const steps = ['start', 'random', 'create primary', 'create', 'load', 'sign', 'certify', 'read registers', 'quote'];

/** A TPM that spoils one octet near the end of every answer to a command. */
function spoiling(port: TpmPort, code: number, passwords: number): TpmPort {
  const open = async () => {
    const channel = await port.open();
    return {
      transact: async (command: Uint8Array) => {
        const response = await channel.transact(command);
        const isSpoilt = Buffer.from(command).readUInt32BE(6) === code;
        // Behind the last parameter stand the answers to the passwords, of five octets each.
        const at = response.length - 5 - 5 * passwords;
        return isSpoilt ? response.with(at, response[at]! ^ 1) : response;
      },
      [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
    };
  };
  return { name: port.name, open };
}

test('a TPM passes its self-test, keeps nothing of it, and its board has the same keys as before', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const port = await plainSwtpm(t);
  const keyOf = async () => {
    await using keys = new TpmKeys(port);
    await keys.start();
    return (await keys.signingKey('operational')).publicKey;
  };
  const before = await keyOf();
  const told: string[] = [];
  const done = await selfTest(port, { rounds: 3, onStep: ({ step }) => told.push(step) });
  assert.deepEqual(told, steps);
  assert.deepEqual(
    done.map(({ step, times }) => [step, times]),
    steps.map((step) => [step, ['random', 'sign', 'certify', 'quote'].includes(step) ? 3 : 1]),
  );
  for (const { medianMs, worstMs } of done) assert.ok(medianMs > 0 && worstMs >= medianMs);
  assert.ok((await keyOf()).equals(before));
  await using tpm = new Tpm(port);
  await tpm.start();
  assert.deepEqual(await tpm.handles('transient'), []);
  assert.deepEqual(await tpm.handles('persistent'), [persistentHandles.storageRoot, persistentHandles.operational]);
});

test('a TPM that signs, certifies or quotes something else fails its self-test', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const port = await plainSwtpm(t);
  const commands = {
    sign: [0x15d, 1, 'GTX-TPM-033'],
    certify: [0x148, 2, 'GTX-TPM-028'],
    quote: [0x158, 1, 'GTX-TPM-028'],
  } as const;
  for (const [what, [command, passwords, code]] of Object.entries(commands)) {
    await assert.rejects(selfTest(spoiling(port, command, passwords), { rounds: 1 }), { code }, what);
  }
});

test('`provision self-test` tells each step, and as JSON; a TPM that is not there is told', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const { port } = await plainSwtpm(t);
  const run = (...args: string[]) => gridtokenx(['provision', 'self-test', ...args]);
  const tpm = `swtpm:127.0.0.1:${port}`;
  const told = await run('--tpm', tpm, '--rounds', '2');
  assert.equal(told.code, 0, told.stderr);
  assert.deepEqual(
    told.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 16).trim()),
    steps,
  );
  const json = JSON.parse((await run('--tpm', tpm, '--rounds', '1', '--json')).stdout) as { passed: boolean };
  assert.equal(json.passed, true);
  const absent = await run('--tpm', '/dev/no-such-tpm');
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /GTX-TPM-001/);
  assert.equal((await run('--rounds', '0')).code, 2);
});
