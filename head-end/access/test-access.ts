import type { Pool } from 'pg';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { SecurityEntry, SecurityLog } from '../security-log.ts';
import { Access } from './access.ts';

/** So cheap that a test can sign in often; no password that matters is hashed with it. */
export const cheapPasswords = { passes: 1, parallelism: 1, memory: 64 } as const;

/** Access over a test's database, with a clock that the test moves and a security log that it reads. */
export class TestAccess {
  readonly access: Access;
  readonly entries: SecurityEntry[] = [];
  /** Seconds that the clock is ahead of the wall's. */
  ahead = 0;

  constructor(pool: Pool) {
    const security: SecurityLog = {
      record: async (entry) => {
        this.entries.push(entry);
      },
    };
    const now = (): UnixSeconds => UnixSeconds(wallSeconds() + this.ahead);
    this.access = new Access({ pool, security, now, passwordCost: cheapPasswords });
  }

  kinds(): string[] {
    return this.entries.map(({ kind }) => kind);
  }
}
