import type { UnixSeconds } from '#hal/units.ts';
import { derProgram, type DERModes } from '#ieee2030_5/events/modes.ts';
import { activeAt, schedule, type Setting } from '#ieee2030_5/events/schedule.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type { DefaultDERControl, DERControl, DERProgram, Response } from '#ieee2030_5/types.generated.ts';
import { describeMode } from './explain-words.ts';

/** A program as a device sees it. */
export interface SeenProgram {
  /** Over REST. */
  readonly id: string;
  readonly document: DERProgram;
  readonly controls: readonly DERControl[];
  readonly default: DefaultDERControl | undefined;
}

export interface ExplainInput {
  readonly now: UnixSeconds;
  readonly programs: readonly SeenProgram[];
  /** Bits of DeviceCategoryType; all controls are for it when it did not say. */
  readonly category: Uint8Array | undefined;
  /** What the device answered to events, in any order. */
  readonly responses: readonly Response[];
}

/** What sets one mode, and why. */
export interface Explanation {
  /** The standard's name of it: `opModExpLimW`. */
  readonly mode: string;
  readonly value: unknown;
  readonly source: {
    readonly kind: 'event' | 'default';
    readonly mRID: string;
    readonly description?: string;
    readonly program: {
      readonly id: string;
      readonly mRID: string;
      readonly description?: string;
      readonly primacy: number;
    };
    /** Most seconds by which a device may begin or end at another time, drawn at random. */
    readonly randomizedBy?: number;
  };
  /** Unix s; absent where it always held, or nothing is known to end it. */
  readonly since?: number;
  readonly until?: number;
  /** What the device answered last to the event: the code of IEEE 2030.5-2018 Table 27, and when. */
  readonly lastResponse?: { readonly status: number; readonly at: number };
  /** For a building owner. */
  readonly sentence: string;
}

/**
 * What sets each mode of a device now, since when and until when: the same rules that the device goes by, over the
 * programs that it sees. Of a randomised event the head-end knows the widest period only: the device has drawn its own.
 */
export function explain({ now, programs, category, responses }: ExplainInput): readonly Explanation[] {
  const byMrid = new Map(programs.map((program) => [formatMrid(program.document.mRID), program]));
  const inputs = programs.map(({ document, controls, default: fallback }) =>
    derProgram(document, controls, fallback, category),
  );
  const settings = activeAt(schedule(inputs, { now, draw: 'widest' }), now);
  return (Object.entries(settings) as [keyof DERModes, Setting<unknown>][])
    .map(([mode, setting]) => explanation(mode, setting, byMrid.get(setting.source.program), responses))
    .toSorted((a, b) => (a.mode < b.mode ? -1 : 1));
}

function explanation(
  mode: string,
  { value, source, since, until }: Setting<unknown>,
  program: SeenProgram | undefined,
  responses: readonly Response[],
): Explanation {
  const event = program?.controls.find(({ mRID }) => formatMrid(mRID) === source.mRID);
  const description = source.kind === 'event' ? event?.description : program?.default?.description;
  const randomizedBy = Math.max(Math.abs(event?.randomizeStart ?? 0), Math.abs(event?.randomizeDuration ?? 0));
  const last = responses
    .filter(({ subject }) => source.kind === 'event' && formatMrid(subject) === source.mRID)
    .reduce<Response | undefined>((a, b) => (a === undefined || at(b) >= at(a) ? b : a), undefined);
  const named = program?.document.description;
  const told = {
    mode,
    value,
    source: {
      kind: source.kind,
      mRID: source.mRID.toUpperCase(),
      ...(description !== undefined && { description }),
      program: {
        id: program?.id ?? '',
        mRID: source.program.toUpperCase(),
        ...(named !== undefined && { description: named }),
        primacy: source.primacy,
      },
      ...(randomizedBy > 0 && { randomizedBy }),
    },
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(last?.status !== undefined && { lastResponse: { status: last.status, at: at(last) } }),
  };
  return { ...told, sentence: describeMode(told) };
}

const at = ({ createdDateTime }: Response): number => Number(createdDateTime ?? 0);
