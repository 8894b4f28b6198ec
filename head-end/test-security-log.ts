import type { SecurityEntry, SecurityLog } from './security-log.ts';

/** A security log that only remembers what was written to it. */
export class RememberedSecurityLog implements SecurityLog {
  readonly entries: SecurityEntry[] = [];

  record(entry: SecurityEntry): Promise<void> {
    this.entries.push(entry);
    return Promise.resolve();
  }
}
