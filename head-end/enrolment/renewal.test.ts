import { test } from 'node:test';
import { renewalRounds } from './renewal-rounds.ts';

test('renewals in a row leave one certificate in force and nothing stale', () => renewalRounds(12));
