import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { activeAt } from '#ieee2030_5/events/schedule.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { OutboxFile } from '../outbox-file.ts';
import { ClientFile } from './client-file.ts';
import { Connection } from './connection.ts';
import { control, startBench } from './test-utility.ts';
import type { UtilityClient } from './utility-client.ts';

const alarm = { functionSet: 11, logEventPEN: 40_732, profileID: 2, logEventCode: 0 } as const;
const isEnergized = (client: UtilityClient): boolean | undefined => {
  const schedule = client.schedule();
  return schedule && activeAt(schedule, client.serverNow()).opModEnergize?.value;
};

/** A client whose event is in force, while a response and a LogEvent wait for a server that does not take them. */
async function ground(t: TestContext) {
  const bench = await startBench(t);
  const { utility, board, client, runTo } = bench;
  const next = await bench.identity('renewed');
  await using connections = new AsyncDisposableStack();
  const connection = connections.use(new Connection(utility.origin, board));
  utility.fill(board.lfdi);
  utility.setControls([
    control({ mRID: 1, from: 100, seconds: 400, base: '<opModEnergize>false</opModEnergize>' }),
    control({ mRID: 2, from: 900, seconds: 60 }),
  ]);
  const made = await client({ connection });
  await runTo(99);
  assert.deepEqual(utility.responses(), ['1 of 1', '1 of 2']);
  utility.answers.set('POST /rsp', 503).set('POST /edev/1/lel', 503);
  made.logEvent(alarm);
  await runTo(101);
  utility.received.length = 0;
  assert.deepEqual([isEnergized(made), made.waitingResponses], [false, 1]);
  const opened = connections.move();
  t.after(() => opened.disposeAsync());
  return { ...bench, connection, next, made };
}

/** The server knows the device by its new certificate alone, and takes everything again. */
function renewAt({ utility, next, clock }: Awaited<ReturnType<typeof ground>>): void {
  const text = utility.text('/edev').replace(/<lFDI>[^<]*/, `<lFDI>${next.lfdi}`);
  utility.documents.set('/edev', text);
  const time = utility.text('/tm').replace(/<currentTime>\d+/, `<currentTime>${clock.now()}`);
  utility.documents.set('/tm', time);
  utility.answers.clear();
}

test('with another certificate events go on, and what waits is sent once and in order, as the new device', async (t) => {
  const grown = await ground(t);
  const { utility, board, made, runTo, connection, next } = grown;
  const before = connection.handshakes;
  await made.become(async () => {
    renewAt(grown);
    connection.use(next);
    return next.lfdi;
  });
  assert.equal(isEnergized(made), false);
  await runTo(101);
  assert.equal(connection.handshakes, before + 1);
  assert.equal(made.registration(), 'registered');
  assert.deepEqual([made.view()?.lfdi, made.view(board.lfdi), isEnergized(made)], [next.lfdi, undefined, false]);
  await runTo(1000);
  assert.deepEqual(utility.responses(), ['2 of 1', '3 of 1', '2 of 2', '3 of 2']);
  assert.equal(utility.received.filter(({ what }) => what === 'POST /edev/1/lel').length, 1);
  for (const { body } of utility.received.filter(({ what }) => what === 'POST /rsp')) {
    assert.match(body, new RegExp(`<endDeviceLFDI>${next.lfdi}<`));
  }
  assert.equal(made.isStanding(alarm), true);
});

test('a certificate that is not to be had changes nothing', async (t) => {
  const { utility, made, runTo, board, connection } = await ground(t);
  const refused = new GridError('GTX-RNW-001', 'not now');
  await assert.rejects(
    made.become(() => Promise.reject(refused)),
    refused,
  );
  utility.answers.clear();
  const before = connection.handshakes;
  await runTo(1000);
  assert.deepEqual([made.view()?.lfdi, connection.handshakes], [board.lfdi, before]);
  assert.deepEqual(utility.responses(), ['2 of 1', '3 of 1', '2 of 2', '3 of 2']);
});

test('nothing is asked of the server while the certificate changes', async (t) => {
  const grown = await ground(t);
  const { utility, made, runTo, connection, next } = grown;
  const { promise, resolve } = Promise.withResolvers<Lfdi>();
  const becoming = made.become(() => promise);
  const asked = utility.asked.length;
  const running = runTo(300);
  await connection.get('/tm', 'Time');
  assert.equal(utility.asked.length, asked + 1);
  renewAt(grown);
  connection.use(next);
  resolve(next.lfdi);
  await Promise.all([becoming, running]);
  assert.ok(utility.asked.length > asked + 1);
});

test('a start with another certificate finds what an earlier run has kept, also without its server', async (t) => {
  const grown = await ground(t);
  const { utility, made, client, runTo, next } = grown;
  await made[Symbol.asyncDispose]();
  utility.isDown = true;
  const connection = new Connection(utility.origin, next);
  t.after(() => connection[Symbol.asyncDispose]());
  const restarted = await client({ connection, lfdi: next.lfdi });
  assert.equal(isEnergized(restarted), false);
  await runTo(200);
  assert.deepEqual([isEnergized(restarted), restarted.waitingResponses], [false, 1]);
  utility.isDown = false;
  renewAt(grown);
  // The server is asked again some time after it is back.
  await runTo(1100);
  assert.deepEqual(utility.responses(), ['2 of 1', '3 of 1', '2 of 2', '3 of 2']);
  assert.equal(restarted.isStanding(alarm), true);
});

test('what is kept goes over to a new LFDI whole or not at all, and that of other devices stays', async (t) => {
  const { path, board, next } = await ground(t);
  const other = 'CD'.repeat(20);
  using file = new OutboxFile(path);
  const kept = new ClientFile(file, 'TEST_001');
  const post = { href: '/rsp', device: other, subject: '01', status: 1, body: `<endDeviceLFDI>${other}<` };
  await kept.remember(new Map([[`events/${other}/der`, '{}']]), [post]);
  const stored = (): object => ({
    memory: kept.memory(),
    posts: file.prepare('SELECT * FROM client_posts ORDER BY sequence').all(),
    resources: kept.resources(),
  });
  const before = stored();
  const write = file.prepare(
    "CREATE TRIGGER full BEFORE UPDATE ON client_resources BEGIN SELECT RAISE(FAIL, 'full'); END",
  );
  write.run();
  assert.throws(() => kept.belongTo(next.lfdi), { code: 'GTX-OUT-002' });
  assert.deepEqual(stored(), before);
  file.prepare('DROP TRIGGER full').run();
  kept.belongTo(next.lfdi);
  const text = JSON.stringify(stored(), (_, value: unknown) =>
    value instanceof Map ? [...value] : value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  );
  assert.ok(!text.includes(board.lfdi));
  assert.ok(kept.memory().has(`events/${next.lfdi}/der`) && kept.memory().has(`events/${other}/der`));
  assert.equal(text.match(new RegExp(other, 'g'))?.length, 3);
});
