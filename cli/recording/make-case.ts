import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, systemCode } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { readBytes, readRecording } from '#hal/recording/recording.ts';
import { replayBoard } from '#edge/recording/board-replay.ts';
import { tellEnd } from './show.ts';

/** What a case is made of: a recording, and beside it the samples that are expected of it, one JSON object a line. */
export const caseEndings = { recording: '.gtxr', samples: '.samples.jsonl' } as const;

/**
 * Puts a recording into a folder of cases, with the samples that this program takes from it. A case of that name is
 * renewed when its recording is the same. Rejects with `GTX-REC-009` when it is another one, or has no samples.
 */
export async function makeCase(path: string, folder: string): Promise<void> {
  const recording = readRecording(path);
  tellEnd(recording);
  const name = basename(path).replace(/\.gtxr$/, '');
  const target = join(folder, `${name}${caseEndings.recording}`);
  const bytes = readBytes(path);
  if (existing(target)?.equals(bytes) === false) {
    throw new GridError('GTX-REC-009', `${target} is another recording`, {
      kind: 'input',
      hint: 'Give yours another name, or take the other one away first.',
    });
  }
  const lines: string[] = [];
  const report = await replayBoard({
    recording,
    log: createLog('edge', 'silent'),
    onSample: ({ replayed }) => lines.push(`${JSON.stringify(replayed)}\n`),
  });
  if (lines.length === 0) {
    throw new GridError('GTX-REC-009', `${path} has no samples to expect`, {
      kind: 'input',
      hint: 'Record for longer: the board samples once its devices have been looked for.',
    });
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw writeFailed(folder, error);
  }
  await writeFileAtomic(target, bytes);
  await writeFileAtomic(join(folder, `${name}${caseEndings.samples}`), lines.join(''));
  process.stdout.write(`${target}\n`);
  const differing = report.differing === 0 ? '' : `, of which ${report.differing} differ from those of the site`;
  process.stderr.write(`${report.samples} samples are expected from now on${differing}\n`);
}

function existing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
