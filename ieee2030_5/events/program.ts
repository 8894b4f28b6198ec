import type { UnixSeconds } from '#hal/units.ts';
import type { RandomizableEvent } from '../types.generated.ts';

/** Seconds of server time, `from` included, `until` not; `until` is never before `from`. */
export interface Period {
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
}

/**
 * An event and what it sets, mode by mode. A plain Event (TextMessage, FlowReservationResponse) counts as a
 * RandomizableEvent without randomisation.
 */
export interface ProgramEvent<Modes extends object> {
  readonly event: RandomizableEvent;
  readonly modes: Readonly<Partial<Modes>>;
  /** Requested ramp time of a DERControl, hundredths of a second. */
  readonly rampTms?: number | undefined;
}

/** What holds, mode by mode, when no event does (DefaultDERControl). */
export interface ProgramDefault<Modes extends object> {
  readonly mRID: string;
  readonly modes: Readonly<Partial<Modes>>;
  readonly rampTms?: number | undefined;
}

/** A program (DERProgram, DemandResponseProgram, …) with its complete list of events. */
export interface EventProgram<Modes extends object> {
  /** As `formatMrid` writes it. */
  readonly mRID: string;
  /** 0..255; the lower number wins. */
  readonly primacy: number;
  readonly events: readonly ProgramEvent<Modes>[];
  readonly default?: ProgramDefault<Modes> | undefined;
}

/** Which event sets a mode. */
export interface EventSource {
  readonly kind: 'event';
  readonly mRID: string;
  /** mRID of the program, and its primacy. */
  readonly program: string;
  readonly primacy: number;
}

/** Which DefaultDERControl sets a mode. */
export interface DefaultSource {
  readonly kind: 'default';
  readonly mRID: string;
  readonly program: string;
  readonly primacy: number;
}

/** One mode's value over a period, by an event. */
export interface Segment<Value> extends Period {
  readonly value: Value;
  /** Hundredths of a second; undefined: the default ramp rate holds. */
  readonly rampTms: number | undefined;
  readonly source: EventSource;
}

/** A mode that an event lost to another event, at that one's effective start. */
export interface Loss {
  readonly mode: string;
  readonly at: UnixSeconds;
  /** mRID of the event that supersedes, and its creationTime. */
  readonly by: string;
  readonly created: UnixSeconds;
}

/** What becomes of an event: effective period, and the modes that it loses on the way. */
export interface Outcome extends Period {
  readonly source: EventSource;
  readonly lost: readonly Loss[];
  /** The server ended it before its time, and so. */
  readonly cut?: { readonly at: UnixSeconds; readonly status: 'cancelled' | 'superseded' } | undefined;
}

/** Modes told only by name: what the rules need to know of them. */
export type AnyModes = Readonly<Record<string, unknown>>;
