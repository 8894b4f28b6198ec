import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Libc, Pointer } from './libc.ts';

/** A call as a driver of the kernel's would see it: structures whole, and what they point to. */
export interface FakeCall {
  readonly request: number;
  readonly structure: Buffer;
  readonly pointers: readonly Pointer[];
}

/** For tests: a C library whose `ioctl` is answered by the test. A throw is the system's error. */
export const fakeLibc =
  (answer: (call: FakeCall) => void): (() => Promise<Libc>) =>
  async () => ({
    ioctl: (_fd, request, structure, pointers = []) => answer({ request, structure, pointers }),
    setNonBlocking: () => undefined,
    sendDatagram: () => undefined,
  });

/** For tests: an error as the system gives it. */
export const systemError = (code: string): Error => Object.assign(new Error(`${code}: made to fail`), { code });

/** For tests: an empty folder that goes with the test. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-hal-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** For tests: a file in place of a device file. */
export function deviceFile(t: TestContext): string {
  const path = join(testFolder(t), 'device');
  writeFileSync(path, '');
  return path;
}
