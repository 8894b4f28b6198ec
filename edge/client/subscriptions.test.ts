import assert from 'node:assert/strict';
import https from 'node:https';
import { test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { Subscriptions } from './subscriptions.ts';
import { type Bench, control, startBench, xml } from './test-utility.ts';

const subscriptionsOf = (identity: DeviceIdentity): Subscriptions =>
  new Subscriptions({ identity, host: '127.0.0.1', port: 0, log: createLog('test', 'silent') });

interface Sent {
  readonly method?: string;
  readonly type?: string;
}

/** A notification as a utility sends it. Answers the status. */
function notify(
  from: DeviceIdentity,
  url: string,
  body: string,
  { method = 'POST', type = 'application/sep+xml' }: Sent = {},
): Promise<number> {
  const tls = clientTls({ cert: from.certificatePem, key: from.keyPem, ca: from.caPem });
  return new Promise((resolve, reject) => {
    const request = https.request(
      url,
      { ...tls, method, headers: { 'content-type': type }, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

const subscribed = ({ utility }: Bench): Map<string, string> =>
  new Map(
    utility.received
      .filter(({ what }) => what === 'POST /edev/1/sub')
      .map(({ body }) => [
        /<subscribedResource>([^<]+)/.exec(body)?.[1] ?? '',
        /<notificationURI>([^<]+)/.exec(body)?.[1] ?? '',
      ]),
  );

const notification = (resource: string, status: number, content = ''): string =>
  xml(
    'Notification',
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    `<subscribedResource>${resource}</subscribedResource>${content}<status>${status}</status>
     <subscriptionURI>/edev/1/sub/1</subscriptionURI>`,
  );
const oneControl = `<Resource xsi:type="DERControlList" href="/derp/1/derc" all="1" results="1">${control({ mRID: 7, from: 50, seconds: 10 })}</Resource>`;

test('what is subscribable is subscribed to, and a notification has it read at once', async (t) => {
  const bench = await startBench(t);
  const { utility, client, runTo, board } = bench;
  utility.fill(board.lfdi);
  const made = await client({ subscriptions: subscriptionsOf(board) });
  await runTo(1);
  assert.deepEqual([...subscribed(bench).keys()].toSorted(), ['/derp/1/dderc', '/derp/1/derc', '/edev/1/fsa']);
  utility.setControls([control({ mRID: 7, from: 50, seconds: 10 })]);
  const url = subscribed(bench).get('/derp/1/derc') ?? '';
  assert.equal(await notify(utility.identity!, url, notification('/derp/1/derc', 0, oneControl)), 204);
  await runTo(2);
  assert.equal(made.view()?.derPrograms[0]?.controls.length, 1);
  await runTo(60);
  assert.deepEqual(utility.responses(), ['1 of 7', '2 of 7', '3 of 7']);
});

test('what is subscribed to is polled seldom; subscriptions are renewed daily, under the same URI', async (t) => {
  const bench = await startBench(t);
  const { utility, client, runTo, board } = bench;
  utility.fill(board.lfdi);
  const made = await client({ subscriptions: subscriptionsOf(board) });
  await runTo(3_000);
  assert.ok(utility.count('GET /edev/1/fsa') <= 2);
  assert.ok(utility.count('GET /edev/1/der') >= 50);
  const before = subscribed(bench).get('/edev/1/fsa') ?? '';
  assert.equal(utility.count('POST /edev/1/sub'), 3);
  await made[Symbol.asyncDispose]();
  await client({ subscriptions: subscriptionsOf(board) });
  await runTo(3_001);
  assert.equal(utility.count('POST /edev/1/sub'), 6);
  assert.equal(new URL(subscribed(bench).get('/edev/1/fsa') ?? '').pathname, new URL(before).pathname);
});

test('a subscription is renewed within a day', async (t) => {
  const bench = await startBench(t);
  const { utility, client, runTo, board } = bench;
  utility.fill(board.lfdi, { pollRate: 7_200 });
  await client({ subscriptions: subscriptionsOf(board) });
  await runTo(80_000);
  assert.equal(utility.count('POST /edev/1/sub'), 3);
  await runTo(86_401);
  assert.equal(utility.count('POST /edev/1/sub'), 6);
});

test('a server that refuses subscriptions, or ends one, is polled', async (t) => {
  const bench = await startBench(t);
  const { utility, client, runTo, board } = bench;
  utility.fill(board.lfdi);
  utility.answers.set('POST /edev/1/sub', 501);
  const refused = await client({ subscriptions: subscriptionsOf(board) });
  await runTo(600);
  assert.ok(utility.count('GET /edev/1/fsa') >= 10);
  assert.equal(utility.count('POST /edev/1/sub'), 3);
  await refused[Symbol.asyncDispose]();
  utility.answers.delete('POST /edev/1/sub');
  await client({ subscriptions: subscriptionsOf(board) });
  await runTo(602);
  const asked = utility.count('GET /edev/1/fsa');
  const url = subscribed(bench).get('/edev/1/fsa') ?? '';
  assert.equal(await notify(utility.identity!, url, notification('/edev/1/fsa', 1)), 204);
  await runTo(1_210);
  assert.ok(utility.count('GET /edev/1/fsa') - asked >= 10);
});

test('a resource that is not linked any more has its subscription deleted', async (t) => {
  const bench = await startBench(t);
  const { utility, client, runTo, board } = bench;
  utility.fill(board.lfdi);
  utility.documents.set('/derp', utility.text('/derp').replace('pollRate="60"', 'pollRate="10"'));
  await client({ subscriptions: subscriptionsOf(board) });
  await runTo(1);
  utility.documents.set('/derp', xml('DERProgramList', 'all="0" results="0" pollRate="10"', ''));
  await runTo(12);
  assert.equal(utility.count('DELETE /edev/1/sub/1'), 2);
});

test('what is no notification is refused by its status, and changes nothing', async (t) => {
  const bench = await startBench(t);
  const { utility, client, runTo, board, identity } = bench;
  utility.fill(board.lfdi);
  await client({ subscriptions: subscriptionsOf(board) });
  await runTo(1);
  const asked = utility.asked.length;
  const url = subscribed(bench).get('/derp/1/derc') ?? '';
  const good = notification('/derp/1/derc', 0);
  const server = utility.identity!;
  const base = new URL(url).origin;
  const cases: readonly (readonly [number, string, string, Sent?])[] = [
    [400, url, '<Notification'],
    [400, url, ''],
    [400, url, xml('Time', '', '')],
    [400, url, good.replace('<status>0', '<status>x')],
    [413, url, ' '.repeat((1 << 20) + 1)],
    [415, url, good, { type: 'text/plain' }],
    [405, url, good, { method: 'PUT' }],
    [404, `${base}/ntfy/0000000000000000`, good],
    [404, `${base}/dcap`, good],
  ];
  for (const [status, to, body, sent] of cases)
    assert.equal(await notify(server, to, body, sent), status, body.slice(0, 60));
  const stranger = { ...(await (await startBench(t)).identity('server')), caPem: (await identity('x')).caPem };
  await assert.rejects(notify(stranger, url, good));
  await runTo(2);
  assert.equal(utility.asked.length, asked);
  const list = xml('NotificationList', 'all="1" results="1"', good.replace(/ xmlns[^ >]*="[^"]*"/g, ''));
  assert.equal(await notify(server, url, list), 204);
  await runTo(3);
  assert.deepEqual(utility.asked.slice(asked), ['GET /derp/1/derc']);
});

test('a port that is taken is told by its code', async (t) => {
  const { identity } = await startBench(t);
  const board = await identity('a');
  await using first = subscriptionsOf(board);
  let url = '';
  await first.start(() => undefined);
  await first.keep(
    {
      origin: 'https://u',
      post: async (_href, _name, document) => {
        url = (document as unknown as { notificationURI: string }).notificationURI;
        return { status: 201, location: '/s', elapsedMs: 0 };
      },
      delete: () => Promise.reject(new Error('not asked for')),
    },
    new Map([['https://u/x', { url: 'https://u/x', document: { subscribable: 1 }, seed: 1 } as never]]),
    '/sub',
    0 as never,
  );
  const port = Number(new URL(url).port);
  const second = new Subscriptions({ identity: board, host: '127.0.0.1', port, log: createLog('test', 'silent') });
  await assert.rejects(
    second.start(() => undefined),
    { code: 'GTX-SEP-012' },
  );
  await second[Symbol.asyncDispose]();
});
