import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { uniform } from '#hal/random.ts';
import { delay } from '#hal/wall.ts';
import type { ResponseChildOrder } from './response-child.ts';
import { control, start, startBench } from './test-utility.ts';

const events = 40;
const rounds = 6;
const end = start + 700;

test('after kill -9 at any moment no response is lost, out of order, or repeated once its answer was seen', async (t) => {
  const { utility, board, path } = await startBench(t);
  utility.fill(board.lfdi);
  utility.setControls(
    Array.from({ length: events }, (_, n) => control({ mRID: n + 1, from: 10 + n * 15, seconds: 12, createdAt: n })),
  );
  /** What came, and in which life of the board. */
  const came: { readonly response: string; readonly life: number }[] = [];
  let life = 0;
  let last = start as number;
  /** Responses of this life after which the board is killed; whether before its answer. */
  let plan = { after: 0, isAnswered: false };
  let kill: () => void = () => undefined;
  const answer = utility.answer.bind(utility);
  utility.answer = (method, url, body) => {
    const answered = answer(method, url, body);
    if (method !== 'POST') return answered;
    came.push({ response: utility.responses().at(-1) ?? '', life });
    last = Number(/<createdDateTime>(\d+)/.exec(body)?.[1]);
    const isLast = came.filter((each) => each.life === life).length === plan.after;
    if (isLast && !plan.isAnswered) kill();
    if (isLast && plan.isAnswered) setImmediate(kill);
    return isLast && !plan.isAnswered ? undefined : answered;
  };
  const isOver = () => last >= end - 100;
  for (; !isOver(); life++) {
    assert.ok(life < 50);
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
  const unrepeated = came.filter(({ response, life: at }, i) => {
    const before = came[i - 1];
    // Only the first response of a life may be one whose answer an earlier life did not see.
    const isRepeat = before !== undefined && before.response === response && before.life < at;
    return !isRepeat;
  });
  const seen = new Map<string, string[]>();
  for (const { response } of unrepeated) {
    const [status = '', , event = ''] = response.split(' ');
    seen.set(event, [...(seen.get(event) ?? []), status]);
  }
  assert.equal(seen.size, events);
  for (const [event, statuses] of seen) assert.deepEqual(statuses, ['1', '2', '3'], `event ${event}`);
});
