import { test } from 'node:test';
import { sevenDaysAway } from './outage-bench.ts';

test('seven days without a head-end at a posting every 15 s', async (t) => {
  await sevenDaysAway(t, 15);
});
