import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { readRecording } from '#hal/recording/recording.ts';
import { replayBoard, type ReplayedSample } from '#edge/recording/board-replay.ts';
import type { ReplayOptions } from '../recording.ts';
import { untilStopped } from '../stop-signals.ts';
import { tellEnd } from './show.ts';

/** Differences that are told one by one. */
const mostTold = 10;

/** Runs a board from its recording. Rejects with `GTX-REC-008` when its samples are others than those of the site. */
export async function replayEdge(path: string, { speed }: ReplayOptions): Promise<void> {
  using stopping = untilStopped();
  const recording = readRecording(path);
  tellEnd(recording);
  let told = 0;
  const onSample = ({ replayed, recorded, isSame }: ReplayedSample): void => {
    process.stdout.write(`${JSON.stringify(replayed)}\n`);
    if (isSame || told++ >= mostTold) return;
    process.stderr.write(`recorded ${JSON.stringify(recorded)}, replayed ${JSON.stringify(replayed)}\n`);
  };
  const log = createLog('edge', process.env['GRIDTOKENX_LOG'] ?? 'error');
  const report = await replayBoard({ recording, speed, log, onSample, signal: stopping.signal });
  const { samples, differing, unrecorded, lost } = report;
  process.stderr.write(
    `${samples} samples replayed, ${differing} differences; ${unrecorded} requests that the recording does not have\n`,
  );
  if (lost > 0) process.stderr.write(`${lost} frames are not in the recording: the disk was too slow\n`);
  if (differing === 0) return;
  throw new GridError('GTX-REC-008', `The board takes ${differing} samples other than those that were recorded`, {
    hint: 'Its program has changed since; each line above names a sample.',
  });
}
