import assert from 'node:assert/strict';
import { GridError } from '#hal/errors.ts';
import { mutated } from './mutations.ts';
import type { Subject } from './subjects.ts';

/** The longest that one reading may take of the processor, ms; a pause of the garbage collector included. */
const mostMs = 2000;

/** What became of the mutations of one subject. */
export interface FuzzReport {
  /** How many were read as if nothing were wrong with them. */
  readonly read: number;
  /** How many were refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Reads well-formed samples, which must not be refused, and `count` mutations of them: whatever they are, no other
 * error comes than the refusals of the subject, and none takes long. A failure names seed and number of its mutation.
 */
export async function fuzz(subject: Subject, seed: number, count: number): Promise<FuzzReport> {
  const refused: Record<string, number> = {};
  let read = 0;
  for (let number = 0; number < count; number++) {
    const octets = mutated(subject.samples, seed, number);
    const which = `mutation ${number} of seed ${seed} of ${subject.what}: ${Buffer.from(octets).toString('base64')}`;
    const started = process.cpuUsage();
    try {
      await subject.read(octets);
      read++;
    } catch (error) {
      const code = error instanceof GridError ? error.code : undefined;
      assert.ok(code !== undefined && subject.refusals?.test(code), `${which}\n${(error as Error).stack}`);
      refused[code] = (refused[code] ?? 0) + 1;
    }
    const { user, system } = process.cpuUsage(started);
    assert.ok((user + system) / 1000 < mostMs, `${which}\ntook ${(user + system) / 1000} ms`);
  }
  return { read, refused };
}
