import type { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import type { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { LiveState } from '../live.ts';
import type { HeadEndConfig } from '../protocol.ts';

/** What every step of a head-end's start is given. */
export interface Opening {
  readonly config: HeadEndConfig;
  /** What is opened ends with it, the last first. */
  readonly resources: AsyncDisposableStack;
  readonly clock: VirtualClock;
  readonly live: LiveState;
  readonly log: Log;
  /** Breaks the start off. */
  readonly signal: AbortSignal;
  /** Told of a failure that nobody waits for: the database is gone. */
  readonly onFailure: (error: GridError) => void;
}
