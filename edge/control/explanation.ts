import type { UnixSeconds } from '#hal/units.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { DefaultSource, EventSource } from '#ieee2030_5/events/program.ts';
import type { Decider, LimitName } from './power-plan.ts';

/** Who says what holds. */
export type Source =
  | EventSource
  | DefaultSource
  /** The installer's rules in the board file: `connection`, or its `controlWhenLost`. */
  | { readonly kind: 'site' }
  | { readonly kind: 'whenLost' }
  /** The network operator's ripple control; with why it is not believed where its lines cannot be right. */
  | { readonly kind: 'ripple'; readonly fault?: string | undefined }
  /** On the way up after a limit that is over, and after a time out of service. */
  | { readonly kind: 'release' }
  | { readonly kind: 'softStart' };

/** Since when and until when; server time, a missing bound is open. */
export interface Reason {
  readonly source: Source;
  readonly since?: UnixSeconds | undefined;
  readonly until?: UnixSeconds | undefined;
}

/** The tightest limit of a power. */
export interface LimitReason extends Reason {
  /** What holds now, on the way of a ramp; W. */
  readonly w: number;
  /** Where the ramp ends. */
  readonly goalW: number;
  /** The mode of 2030.5 that says so; `undefined` for the installer's. */
  readonly mode?: keyof DERModes | undefined;
}

export interface ModeReason extends Reason {
  readonly value: unknown;
  /** `not supported`: no device of the site has it. `refused`: one that has it did not take it. */
  readonly state: 'applied' | 'not supported' | 'invalid' | 'refused';
  readonly fault?: string | undefined;
}

/** The explanation with what the devices did not take, by 2030.5's names. */
export function withRefusals(explanation: Explanation, refusals: ReadonlyMap<keyof DERModes, string>): Explanation {
  const modes = Object.entries(explanation.modes).map(([mode, reason]) => {
    const fault = refusals.get(mode as keyof DERModes);
    return [mode, fault === undefined ? reason : { ...reason, state: 'refused' as const, fault }];
  });
  return { ...explanation, modes: Object.fromEntries(modes) as Explanation['modes'] };
}

/** Why the devices are told what they are told. Plain data. */
export interface Explanation {
  /** The board's time and the server's. */
  readonly at: UnixSeconds;
  readonly serverTime: UnixSeconds;
  readonly isServerLost: boolean;
  readonly limits: { readonly [Name in LimitName]?: LimitReason };
  readonly modes: { readonly [Mode in keyof DERModes]?: ModeReason };
  readonly setpoints: {
    /** W, positive discharges; `undefined` without a storage. */
    readonly storageW: number | undefined;
    readonly storageBy: Decider;
    /** W; `undefined` without PV or without a limit. */
    readonly pvLimitW: number | undefined;
    readonly pvBy: Decider | undefined;
    readonly isConnected: boolean;
  };
  /** W by which a limit is exceeded although everything is done that can be. */
  readonly shortfallW: number;
  /** What does not answer. */
  readonly unseen: readonly ('meter' | 'inverter' | 'battery')[];
}
