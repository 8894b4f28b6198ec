import { test } from 'node:test';
import { killAndCheck, type Victim, victims } from './kill-campus.ts';

for (const victim of Object.keys(victims) as Victim[]) {
  test(
    `kill -9 of the ${victim} loses no acknowledged reading and settles no window twice, twelve times in a row`,
    {
      timeout: 600_000,
    },
    (t) => killAndCheck(t, Array<Victim>(12).fill(victim)),
  );
}
