import { test } from 'node:test';
import { holdsOverTcp } from './tcp-fault-bench.ts';

const seeds = Array.from({ length: 50 }, (_, i) => i);

test(`whatever befalls a TCP connection, no old answer is told as a new one, and it recovers (${seeds.length} seeds)`, () =>
  holdsOverTcp(seeds));
