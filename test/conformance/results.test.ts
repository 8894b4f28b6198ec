import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultsText } from './results.ts';
import { type ConformanceSide, runSide, type Outcome } from './table.ts';

const silent = { started: () => undefined, ended: () => undefined };
const row = { list: 'CSIP-AUS', title: 'a title' } as const;

test('a test that rejects is a failure, the next one runs, and the stand is closed at the end', async () => {
  const ran: string[] = [];
  const stand = { [Symbol.asyncDispose]: async () => void ran.push('closed') };
  const side: ConformanceSide<typeof stand> = {
    side: 'server',
    open: async () => stand,
    tests: [
      { ...row, id: 'A', run: () => Promise.reject(new Error('no such thing')) },
      { ...row, id: 'B', run: async () => void ran.push('B') },
      { ...row, id: 'C', notApplicable: '§1' },
    ],
  };
  const outcomes = await runSide(side, silent);
  assert.deepEqual(
    outcomes.map(({ id, result }) => [id, result]),
    [
      ['A', 'fail'],
      ['B', 'pass'],
      ['C', 'not applicable'],
    ],
  );
  assert.match(outcomes[0]?.note ?? '', /no such thing/);
  assert.deepEqual(ran, ['B', 'closed']);
});

test('where no test runs, nothing is opened', async () => {
  const open = (): Promise<AsyncDisposable> => assert.fail('opened');
  const outcomes = await runSide({ side: 'client', open, tests: [{ ...row, id: 'C', notApplicable: '§1' }] }, silent);
  assert.equal(outcomes[0]?.result, 'not applicable');
});

test('the results hold no reason of a failure, and the clause of what does not apply', () => {
  const outcome = { ...row, side: 'server', id: 'A', note: 'at 12:30' } as const satisfies Partial<Outcome>;
  const text = resultsText([
    { ...outcome, result: 'fail' },
    { ...outcome, id: 'B', result: 'not applicable', note: '§6.7' },
  ]);
  assert.match(text, /\| A \| a title \| fail \| \|/);
  assert.match(text, /\| B \| a title \| not applicable \| §6\.7 \|/);
  assert.doesNotMatch(text, /12:30/);
});
