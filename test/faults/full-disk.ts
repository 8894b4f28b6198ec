import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemCode } from '#hal/errors.ts';

const mostFiles = 10;

/** A disk of its own in memory that can be filled to the last byte. */
export class SmallDisk implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `undefined`, and the test skipped, where this user may not mount one. */
  static mount(t: TestContext, bytes: number): SmallDisk | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'gtx-small-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      rmdirSync(folder);
      t.skip('this user may not mount a small disk');
      return undefined;
    }
    return new SmallDisk(folder);
  }

  /** Until nothing is left: each file takes what there is, and the last one finds nothing. */
  fill(): void {
    for (let i = 0; i < mostFiles; i++) {
      const { bfree, bsize } = statfsSync(this.folder);
      try {
        writeFileSync(join(this.folder, `filler-${i}`), Buffer.alloc(Math.max(1, bfree * bsize), 1));
      } catch (error) {
        if (systemCode(error) === 'ENOSPC') return;
        throw error;
      }
    }
    throw new RangeError(`${this.folder} takes more than ${mostFiles} files`);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.folder], { stdio: 'ignore' });
    rmdirSync(this.folder);
  }

  /** As a card that is worn out is mounted. */
  setReadOnly(isReadOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.folder], { stdio: 'ignore' });
  }

  free(): void {
    for (let i = 0; i < mostFiles; i++) rmSync(join(this.folder, `filler-${i}`), { force: true });
  }
}
