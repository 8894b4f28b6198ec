import { test } from 'node:test';
import { killAndCheck, type Victim, victims } from './kill-campus.ts';

test('kill -9 of boards, head-end and database loses no acknowledged reading and settles no window twice', (t) => {
  const each = Object.keys(victims) as Victim[];
  return killAndCheck(t, [...each, ...each]);
});
