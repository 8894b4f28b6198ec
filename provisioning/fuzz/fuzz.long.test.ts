import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fuzz } from './fuzz.ts';
import { madeSamples } from './samples.ts';
import { subjectsOf } from './subjects.ts';

const mutations = 5_000;
const mebibyte = 1 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

const samples = await madeSamples();

for (const subject of subjectsOf(samples)) {
  test(`${subject.what}: read, or refused in a sentence, and nothing of it stays`, { timeout: 900_000 }, async (t) => {
    await fuzz(subject, 2, 100);
    const before = heapBytes();
    const { read, refused } = await fuzz(subject, 3, mutations);
    t.diagnostic(`${read} read, ${JSON.stringify(refused)}`);
    const grown = heapBytes() - before;
    assert.ok(grown < 16 * mebibyte, `${grown} octets more`);
  });
}
