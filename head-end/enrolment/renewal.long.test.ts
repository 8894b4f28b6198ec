import { test } from 'node:test';
import { renewalRounds } from './renewal-rounds.ts';

test('10,000 renewals in a row leave one certificate in force, and nothing stale', { timeout: 1_800_000 }, () =>
  renewalRounds(10_000),
);
