import { test } from 'node:test';
import { withoutSchemas } from './judge/libxml.ts';
import { generatedDocumentsAreValid, mutatedDocumentsAreJudgedAlike } from './judge/verdicts.ts';

const skip = withoutSchemas;

test('documents of every root element validate against the XSD and read back as they were', { skip }, () => {
  generatedDocumentsAreValid('ieee-2018', 700);
});

for (const profile of ['csip-aus-1.2', 'csip-aus-1.3'] as const) {
  test(`documents of ${profile} validate against its XSD and read back as they were`, { skip }, () => {
    generatedDocumentsAreValid(profile, 400);
  });
}

test('a mutated document gets the same verdict from our parser and from libxml2', { skip }, (t) => {
  const { valid, invalid, differences } = mutatedDocumentsAreJudgedAlike('ieee-2018', 600);
  t.diagnostic(`valid ${valid}, invalid ${invalid}`);
  for (const [why, count] of differences) t.diagnostic(`meant difference, ${count} times: ${why}`);
});
