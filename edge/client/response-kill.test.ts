import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { uniform } from '#hal/random.ts';
import { delay } from '#hal/wall.ts';
import { alarmSeconds, type ResponseChildOrder } from './kill-order.ts';
import { control, start, startBench } from './test-utility.ts';

const events = 40;
const rounds = 6;
const end = start + 700;

test('after kill -9 at any moment, and with a new certificate after each, no response and no LogEvent is lost, out of order, or repeated once its answer was seen', async (t) => {
  const { utility, identity, path } = await startBench(t);
  let board = await identity('board');
  const controls = Array.from({ length: events }, (_, n) =>
    control({ mRID: n + 1, from: 10 + n * 15, seconds: 12, createdAt: n }),
  );
  /** What came, and in which life of the board. */
  const came: { readonly what: string; readonly told: string; readonly life: number }[] = [];
  let life = 0;
  let last = start as number;
  /** Posts of this life after which the board is killed; whether before its answer. */
  let plan = { after: 0, isAnswered: false };
  let kill: () => void = () => undefined;
  const answer = utility.answer.bind(utility);
  utility.answer = (method, url, body) => {
    const answered = answer(method, url, body);
    if (method !== 'POST') return answered;
    if (url === '/rsp') assert.match(body, new RegExp(`<endDeviceLFDI>${board.lfdi}<`));
    came.push({ what: url, told: url === '/rsp' ? (utility.responses().at(-1) ?? '') : numberAndCode(body), life });
    last = Number(/<createdDateTime>(\d+)/.exec(body)?.[1]);
    const isLast = came.filter((each) => each.life === life).length === plan.after;
    if (isLast && !plan.isAnswered) kill();
    if (isLast && plan.isAnswered) setImmediate(kill);
    return isLast && !plan.isAnswered ? undefined : answered;
  };
  const isOver = () => last >= end - 100;
  for (; !isOver(); life++) {
    assert.ok(life < 50);
    board = await identity(`board ${life}`);
    utility.fill(board.lfdi);
    utility.setControls(controls);
    plan = { after: life < rounds ? 1 + Math.floor(uniform(3, life) * 25) : 1_000, isAnswered: life % 2 === 0 };
    const order: ResponseChildOrder = { identity: board, origin: utility.origin, path, from: last, until: end };
    const child = spawn(process.execPath, [join(import.meta.dirname, 'response-child.ts')], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    kill = () => child.kill('SIGKILL');
    const ended = once(child, 'exit');
    child.stdin.end(JSON.stringify(order));
    // Some die while they start, or between two responses.
    if (life < rounds && life % 3 === 2) await Promise.race([ended, delay(150 + uniform(5, life) * 300).then(kill)]);
    await ended;
  }
  assert.ok(life > rounds / 2, `${life} lives`);
  const settled = (of: string): string[] => {
    const own = came.filter(({ what }) => what === of);
    // Only the first post of a life may be one whose answer an earlier life did not see.
    const isRepeat = ({ told, life: at }: (typeof came)[number], i: number): boolean =>
      own[i - 1]?.told === told && (own[i - 1]?.life ?? at) < at;
    return own.filter((each, i) => !isRepeat(each, i)).map(({ told }) => told);
  };
  const seen = new Map<string, string[]>();
  for (const response of settled('/rsp')) {
    const [status = '', , event = ''] = response.split(' ');
    seen.set(event, [...(seen.get(event) ?? []), status]);
  }
  assert.equal(seen.size, events);
  for (const [event, statuses] of seen) assert.deepEqual(statuses, ['1', '2', '3'], `event ${event}`);
  const logged = settled('/edev/1/lel');
  assert.ok(logged.length > (end - 100 - start) / alarmSeconds - 2, `${logged.length} LogEvents`);
  assert.deepEqual(
    logged,
    logged.map((_, n) => `${n} ${n % 2}`),
  );
});

/** The logEventID and the logEventCode of a LogEvent. */
const numberAndCode = (body: string): string =>
  ['logEventID', 'logEventCode'].map((name) => new RegExp(`<${name}>(\\d+)`).exec(body)?.[1]).join(' ');
