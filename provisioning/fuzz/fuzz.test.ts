import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz.ts';
import { madeSamples } from './samples.ts';
import { subjectsOf } from './subjects.ts';

const mutations = 150;
const samples = await madeSamples();

for (const subject of subjectsOf(samples)) {
  test(`${subject.what}: read, or refused in a sentence, and soon`, async () => {
    const { read, refused } = await fuzz(subject, 1, mutations);
    const total = Object.values(refused).reduce((sum, one) => sum + one, 0);
    assert.equal(read + total, mutations);
    if (subject.refusals !== undefined) assert.ok(total > 0, 'nothing was refused');
  });
}
