import { test } from 'node:test';
import { sevenDaysAway } from './outage-bench.ts';

test('after seven days without a head-end the newest is there at once, and the rest in order, none lost', async (t) => {
  await sevenDaysAway(t, 60);
});
