import { eventStatus, type Modes, type ModeValue, type UtilityControl, type UtilityProgram } from './state.ts';
import type { Utility } from './utility.ts';

const isInForce = (
  {
    start,
    duration,
    ended,
  }: Pick<UtilityControl, 'start' | 'duration'> & { readonly ended?: UtilityControl['ended'] | undefined },
  now: number,
): boolean => start <= now && now < start + duration && ended === undefined;

/** Whether a control of another program, or of the same, goes before this one: a lower primacy, or newer with the same. */
const goesBefore = (
  [other, one]: readonly [UtilityProgram, UtilityControl],
  [program, control]: readonly [UtilityProgram, UtilityControl],
): boolean =>
  other.primacy < program.primacy ||
  (other.primacy === program.primacy &&
    (one.creationTime > control.creationTime || (one.creationTime === control.creationTime && one.id > control.id)));

/**
 * Marks what the standard has a server mark (IEEE 2030.5-2018 §10.2.3.4): a control all of whose modes are set by
 * controls that go before it, for every device that has it, from the moment on when the last of these begins.
 */
export function markSuperseded(utility: Utility): void {
  const now = utility.now();
  const devices = utility.devices.filter(({ id, removed }) => id !== 0 && !removed);
  for (const program of utility.programs) {
    const having = devices.map(({ id }) => utility.programsOf(id)).filter((programs) => programs.includes(program));
    for (const control of program.controls.filter((one) => isInForce(one, now))) {
      const isEverywhere = having.every((programs) => isCovered(programs, [program, control], now));
      if (having.length === 0 || !isEverywhere) continue;
      control.ended = { status: eventStatus.superseded, at: now };
      utility.changedForAll((device) => `${device}/derp/${program.id}/derc`);
    }
  }
}

/** Whether other controls of these programs set all modes of a control. */
function isCovered(
  programs: readonly UtilityProgram[],
  own: readonly [UtilityProgram, UtilityControl],
  now: number,
): boolean {
  const above = programs.flatMap((program) =>
    program.controls.filter((control) => isInForce(control, now) && goesBefore([program, control], own)),
  );
  return Object.keys(own[1].modes).every((mode) => above.some(({ modes }) => mode in modes));
}

/** What a device has to keep to, by mode, and the ramp that is asked for. */
export interface InForce {
  readonly modes: Modes;
  /** Hundredths of a percent a second, of the default control. */
  readonly setGradW: number | undefined;
  /** The longest rampTms of the controls in force; 0 where they have none. */
  readonly rampSeconds: number;
}

/**
 * What holds for a device at the present time: of each mode, the control that goes before all others, or the default.
 * `isKnownEnd` tells whether the device can know of a cancellation; of a control's own end it always does.
 */
export function inForce(
  utility: Utility,
  device: number,
  isKnownEnd: (program: UtilityProgram, at: number) => boolean = () => true,
): InForce {
  const now = utility.now();
  const modes: Record<string, ModeValue> = {};
  const programs = utility.programsOf(device);
  const controls = programs.flatMap((program) =>
    program.controls
      .filter(({ ended, ...control }) => {
        const end = ended !== undefined && isKnownEnd(program, ended.at) ? ended : undefined;
        return isInForce({ ...control, ended: end }, now);
      })
      .toSorted((a, b) => b.creationTime - a.creationTime || b.id - a.id),
  );
  const defaults = programs.flatMap(({ default: fallback }) => fallback ?? []);
  for (const source of [...controls, ...defaults]) {
    for (const [name, value] of Object.entries(source.modes)) modes[name] ??= value;
  }
  return {
    modes,
    setGradW: defaults.find(({ setGradW }) => setGradW !== undefined)?.setGradW,
    rampSeconds: Math.max(0, ...controls.map(({ rampSeconds }) => rampSeconds ?? 0)),
  };
}
