import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge, withoutSchemas } from './judge/libxml.ts';
import {
  compare,
  documentsCrossEditions,
  generatedDocumentsAreValid,
  meant,
  mutatedDocumentsAreJudgedAlike,
  type Tally,
} from './judge/verdicts.ts';

const skip = withoutSchemas;
/** The usual tier sees the same documents each time; the long one looks for new ones. */
const seed = 2030_5;

test('documents of every root element validate against the XSD and read back as they were', { skip }, () => {
  generatedDocumentsAreValid('ieee-2018', { numRuns: 700, seed });
});

for (const profile of ['csip-aus-1.2', 'csip-aus-1.3'] as const) {
  test(`documents of ${profile} validate against its XSD and read back as they were`, { skip }, () => {
    generatedDocumentsAreValid(profile, { numRuns: 400, seed });
  });
}

test('a mutated document gets the same verdict from our parser and from libxml2', { skip }, (t) => {
  const { valid, invalid, differences } = mutatedDocumentsAreJudgedAlike('ieee-2018', { numRuns: 1000, seed });
  t.diagnostic(`valid ${valid}, invalid ${invalid}`);
  for (const [why, count] of differences) t.diagnostic(`meant difference, ${count} times: ${why}`);
});

test('documents of 2013 are read and written back; those of 2018 are written for 2013', { skip }, (t) => {
  for (const [why, count] of documentsCrossEditions({ numRuns: 700, seed })) {
    t.diagnostic(`cannot be said in 2013, ${count} times: ${why}`);
  }
});

test('a mutated document of 2013 gets the same verdict from our parser and from libxml2', { skip }, () => {
  using judge = Judge.of('ieee-2013');
  mutatedDocumentsAreJudgedAlike('ieee-2018', { numRuns: 600, seed }, { judge, edition: '2013' });
});

test('documents of our extension validate against its published XSD, and mutated ones are judged alike', () => {
  using judge = Judge.ofFile(fileURLToPath(new URL('ext/gridtokenx-ext-v1.xsd', import.meta.url)));
  generatedDocumentsAreValid('any', { numRuns: 100, seed }, { judge, family: 'gtx' });
  mutatedDocumentsAreJudgedAlike('any', { numRuns: 400, seed }, { judge, family: 'gtx' });
});

test('every listed difference from libxml2 is one, and each for its own reason', { skip }, () => {
  using judge = Judge.of('ieee-2018');
  for (const { example, why } of meant) {
    const tally: Tally = { valid: 0, invalid: 0, differences: new Map() };
    compare(Buffer.from(example), judge, 'ieee-2018', 'an example', tally);
    assert.deepEqual([...tally.differences], [[why, 1]], example);
  }
});
