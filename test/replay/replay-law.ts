import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLog } from '#hal/log.ts';
import { readRecording } from '#hal/recording/recording.ts';
import { replayBoard, type ReplayedSample } from '#edge/recording/board-replay.ts';
import { type Clamps, recordRun, type RunOptions } from './recorded-run.ts';

const log = createLog('test', 'silent');

/** For each seed: a board on lines with faults, replayed from its recording, takes the same samples. Answers the faults. */
export async function replaysAlike(
  t: TestContext,
  clamps: Clamps,
  seeds: readonly number[],
  more: Pick<RunOptions, 'setSeconds'> = {},
): Promise<ReadonlySet<string>> {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-replay-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const faults = new Set<string>();
  for (const seed of seeds) {
    const path = join(folder, `${seed}.gtxr`);
    const run = await recordRun({ path, seed, seconds: 45, chance: 0.15, clamps, ...more });
    const samples: ReplayedSample[] = [];
    const onSample = (sample: ReplayedSample): void => void samples.push(sample);
    const report = await replayBoard({ recording: readRecording(path), log, onSample });
    const other = samples.find(({ isSame }) => !isSame);
    assert.equal(other, undefined, `seed ${seed}: ${JSON.stringify(other)}`);
    const taken: unknown = JSON.parse(JSON.stringify(run.samples));
    assert.deepEqual(
      samples.map(({ replayed }) => replayed),
      taken,
    );
    assert.deepEqual({ ...report, samples: 0 }, { samples: 0, differing: 0, unrecorded: 0, lost: 0 });
    // It has been a board and not a dead line: devices were read, and were missed.
    assert.ok(run.samples.some(({ gridW }) => gridW !== undefined) && run.samples.some(({ battery }) => !battery));
    if (clamps !== 'sdm630') assert.ok(run.samples.filter(({ gridW }) => gridW !== undefined).length > 10);
    for (const fault of run.faults) faults.add(fault);
  }
  return faults;
}
