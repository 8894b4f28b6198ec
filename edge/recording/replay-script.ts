import type { RecordedFrame } from '#hal/recording/frame.ts';
import { msOf } from '#hal/recording/replayed-bytes.ts';
import { type BoardFrame, boardFrame, type PlainSample } from './board-frames.ts';

/** What a board does by itself: a sample, or a call of a device. */
export type Step = Extract<BoardFrame, { readonly kind: 'sampling' | 'call' }>;

/** Steps that were made at once, in their order. */
export interface Scene {
  /** When, milliseconds since the recording began. */
  readonly ms: number;
  /** Of its first frame in the recording. */
  readonly place: number;
  /** The number of the step at whose end it was made; `undefined` for a scene that came of time alone. */
  readonly after: number | undefined;
  readonly steps: Step[];
}

export interface ReplayScript {
  readonly scenes: readonly Scene[];
  /** What came of the samples, by the number of their steps. */
  readonly samples: ReadonlyMap<number, PlainSample>;
}

/** A call that follows something within so many milliseconds was made because of it. */
const becauseMs = 2;

/**
 * What a board did, to be done again. Calls come because of a sample that was begun or taken, or of a call that was
 * answered; in the replay they wait for that, so that a microsecond does not make an effect come before its cause.
 */
export function replayScript(frames: readonly RecordedFrame[]): ReplayScript {
  const scenes: Scene[] = [];
  const samples = new Map<number, PlainSample>();
  let cause: { readonly ms: number; readonly ended: number | undefined } | undefined;
  let scene: Scene | undefined;
  for (const recorded of frames) {
    const frame = boardFrame(recorded);
    if (frame === undefined) continue;
    const ms = msOf(recorded);
    if (frame.kind === 'sampled' || frame.kind === 'answered') {
      if (frame.kind === 'sampled') samples.set(frame.number, frame.sample);
      cause = { ms, ended: frame.number };
      scene = undefined;
      continue;
    }
    const isBecause = frame.kind === 'call' && cause !== undefined && ms - cause.ms <= becauseMs;
    if (!isBecause) {
      cause = { ms, ended: undefined };
      scene = undefined;
    }
    if (scene === undefined) {
      scene = { ms, place: recorded.place, after: isBecause ? cause?.ended : undefined, steps: [] };
      scenes.push(scene);
    }
    scene.steps.push(frame);
  }
  return { scenes, samples };
}
