import { test } from 'node:test';
import { Judge, withoutSchemas } from './judge/libxml.ts';
import {
  documentsCrossEditions,
  generatedDocumentsAreValid,
  mutatedDocumentsAreJudgedAlike,
} from './judge/verdicts.ts';

const skip = withoutSchemas;

for (const profile of ['ieee-2018', 'csip-aus-1.2', 'csip-aus-1.3'] as const) {
  test(`12,000 documents of ${profile} validate against its XSD and read back as they were`, { skip }, () => {
    generatedDocumentsAreValid(profile, { numRuns: 12_000 });
  });

  test(`12,000 mutated documents of ${profile} get the same verdict from our parser and from libxml2`, {
    skip,
  }, (t) => {
    const { valid, invalid, differences } = mutatedDocumentsAreJudgedAlike(profile, { numRuns: 12_000 });
    t.diagnostic(`valid ${valid}, invalid ${invalid}`);
    for (const [why, count] of differences) t.diagnostic(`meant difference, ${count} times: ${why}`);
  });
}

test('12,000 documents each way between the editions of 2013 and 2018', { skip }, () => {
  documentsCrossEditions({ numRuns: 12_000 });
});

test('12,000 mutated documents of 2013 get the same verdict from our parser and from libxml2', { skip }, () => {
  using judge = Judge.of('ieee-2013');
  mutatedDocumentsAreJudgedAlike('ieee-2018', { numRuns: 12_000 }, { judge, edition: '2013' });
});
