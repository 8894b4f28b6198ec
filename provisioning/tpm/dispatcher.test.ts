import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TpmPort } from '#hal/key-store.ts';
import { getRandom } from './commands.ts';
import { Dispatcher } from './dispatcher.ts';

const ok = Buffer.from('80010000000a00000000', 'hex');
const random = Buffer.from('80010000000e0000000000020102', 'hex');
const code = (rc: number): Buffer => Buffer.from(`80010000000a${rc.toString(16).padStart(8, '0')}`, 'hex');

/** A TPM that gives these answers to what follows its Startup, one after the other. */
function scripted(answers: readonly (Uint8Array | Error)[], startup: Uint8Array = ok) {
  const commands: string[] = [];
  let open = 0;
  let most = 0;
  const port: TpmPort = {
    name: 'scripted',
    open: () =>
      Promise.resolve({
        async transact(command) {
          most = Math.max(most, ++open);
          await Promise.resolve();
          open--;
          commands.push(Buffer.from(command).toString('hex'));
          const answer = commands.length === 1 ? startup : answers[commands.length - 2];
          if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no more answers');
          return answer;
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
  return { port, commands, atOnce: () => most };
}
const ask = { parameters: { count: 2 } };

test('a TPM that the firmware has started is started already', async () => {
  const { port } = scripted([random], code(0x100));
  await using dispatcher = new Dispatcher(port);
  await dispatcher.start();
  assert.deepEqual(Buffer.from((await dispatcher.run(getRandom, ask)).response.octets), Buffer.of(1, 2));
  await assert.rejects(new Dispatcher(scripted([], code(0x101)).port).start(), {
    code: 'GTX-TPM-004',
    message: /failure mode/,
  });
});

test('a busy TPM is asked the same again, one that refuses is not', async () => {
  const { port, commands } = scripted([code(0x922), random, code(0x902)]);
  await using dispatcher = new Dispatcher(port);
  await dispatcher.start();
  await dispatcher.run(getRandom, ask);
  assert.equal(commands[1], commands[2]);
  await assert.rejects(dispatcher.run(getRandom, ask), { code: 'GTX-TPM-004' });
  assert.equal(commands.length, 4);
});

test('commands go one at a time in the order of asking, and one that fails does not stop the next', async () => {
  const { port, atOnce } = scripted([random, new Error('gone'), random]);
  await using dispatcher = new Dispatcher(port);
  await dispatcher.start();
  const answers = await Promise.allSettled([1, 2, 3].map(() => dispatcher.run(getRandom, ask)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(atOnce(), 1);
});

test('a TPM that is not open, or not any more, gives no answer', async () => {
  const dispatcher = new Dispatcher(scripted([]).port);
  await assert.rejects(dispatcher.run(getRandom, ask), { code: 'GTX-TPM-002', message: /not open/ });
  await dispatcher.start();
  await dispatcher[Symbol.asyncDispose]();
  await assert.rejects(dispatcher.run(getRandom, ask), { code: 'GTX-TPM-002' });
});
