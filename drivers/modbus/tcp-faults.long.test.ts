import { test } from 'node:test';
import { holdsOverTcp } from './tcp-fault-bench.ts';

const seeds = Array.from({ length: 1000 }, (_, i) => i + 1000);

test(`whatever befalls a TCP connection, no old answer is told as a new one, and it recovers (${seeds.length} seeds)`, () =>
  holdsOverTcp(seeds));
