import { amountWords, minuteWords, modeWords } from '#ieee2030_5/events/words.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type { UtilityView } from '../client/utility-view.ts';
import type { Explanation, LimitReason, ModeReason, Reason } from './explanation.ts';
import type { Decider, LimitName } from './power-plan.ts';

/** One thing that holds now, for a building owner. */
export interface ExplainedSentence {
  /** A power that is limited, a setpoint, or the standard's name of a mode. */
  readonly about: string;
  readonly sentence: string;
}

const powers: Readonly<Record<LimitName, string>> = {
  export: 'Export to the grid',
  import: 'Import from the grid',
  generation: 'Generation',
  load: 'Consumption',
  output: 'The output of all devices together',
};

const deciders: Readonly<Record<Decider, string>> = {
  export: 'so that the export limit holds',
  import: 'so that the import limit holds',
  generation: 'so that the generation limit holds',
  load: 'so that the consumption limit holds',
  output: 'so that the output limit holds',
  target: 'as a program asks for',
  storageTarget: 'as a program asks for',
  service: 'as the site is out of service',
  device: 'as it can do no more',
  peakShaving: 'so that the building draws no peak',
  market: 'to deliver what the building has traded',
  selfConsumption: 'to cover the need of the building and what it has traded',
  recovery: 'as it rises slowly after a start or a fault',
};

const watts = (w: number): string => amountWords(Math.round(w), 'W');

type NameOf = (mRID: string) => string;

/** Descriptions of programs, events and defaults as the server has them, else their mRIDs. */
function namesIn(view: UtilityView | undefined): NameOf {
  const named = new Map<string, string>();
  for (const { program, controls, defaultControl } of view?.derPrograms ?? []) {
    for (const { mRID, description } of [program, ...controls, ...(defaultControl ? [defaultControl] : [])]) {
      if (description !== undefined) named.set(formatMrid(mRID), `“${description}”`);
    }
  }
  return (mRID) => named.get(mRID) ?? mRID.toUpperCase();
}

function sourceWords({ source, since, until }: Reason, nameOf: NameOf): string {
  const from = since === undefined ? '' : ` since ${minuteWords(since)}`;
  const to = until === undefined ? '' : ` until ${minuteWords(until)}`;
  switch (source.kind) {
    case 'event':
    case 'default': {
      const { kind, mRID, program, primacy } = source;
      return ` by the ${kind} ${nameOf(mRID)} of program ${nameOf(program)} (primacy ${primacy})${from}${to}`;
    }
    case 'site':
      return ` by the installer’s setting of this site${from}${to}`;
    case 'ripple':
      return source.fault === undefined
        ? ' by the ripple control of the network operator'
        : ` as the ripple control of the network operator cannot be right: ${source.fault}`;
    case 'whenLost':
      return ` by the installer’s setting for a server that is not reached${from}${to}`;
    case 'release':
      return ` on the way up after a limit that is over${from}${to}`;
    case 'softStart':
      return ` on the way up after a time out of service${from}${to}`;
    default:
      return source satisfies never;
  }
}

function limitWords(name: LimitName, reason: LimitReason, nameOf: NameOf): string {
  const { w, goalW } = reason;
  const goal = Math.round(w) === Math.round(goalW) ? '' : ` now, on the way to ${watts(goalW)},`;
  return `${powers[name]} is limited to ${watts(w)}${goal}${sourceWords(reason, nameOf)}.`;
}

function modeSentence(mode: string, reason: ModeReason, nameOf: NameOf): string {
  const fault = reason.fault === undefined ? '' : `: ${reason.fault}`;
  const state = reason.state === 'applied' ? '' : ` It is ${reason.state}${fault}.`;
  return `${modeWords(mode, reason.value)}${sourceWords(reason, nameOf)}.${state}`;
}

/** Everything that an explanation says, in sentences; `view` has the names of what the server has. */
export function explainInWords(explanation: Explanation, view: UtilityView | undefined): readonly ExplainedSentence[] {
  const { limits, modes, setpoints, shortfallW, unseen, isServerLost } = explanation;
  const nameOf = namesIn(view);
  const told: ExplainedSentence[] = [];
  const tell = (about: string, sentence: string): void => void told.push({ about, sentence });
  for (const name of Object.keys(powers) as LimitName[]) {
    const reason = limits[name];
    if (reason !== undefined) tell(name, limitWords(name, reason, nameOf));
  }
  for (const [mode, reason] of Object.entries(modes)) tell(mode, modeSentence(mode, reason, nameOf));
  const { storageW, storageBy, pvLimitW, pvBy, isConnected } = setpoints;
  if (storageW !== undefined) {
    const does = storageW === 0 ? 'rest' : `${storageW > 0 ? 'discharge' : 'charge'} ${watts(Math.abs(storageW))}`;
    tell('storage', `The battery is told to ${does}, ${deciders[storageBy]}.`);
  }
  if (pvLimitW !== undefined && pvBy !== undefined) {
    tell('pv', `The inverter is held to ${watts(pvLimitW)}, ${deciders[pvBy]}.`);
  }
  if (!isConnected) tell('connection', 'The devices are told to give and take nothing: the site is out of service.');
  if (shortfallW > 0)
    tell('connection', `A limit is exceeded by ${watts(shortfallW)} although all that can be is done.`);
  if (isServerLost) tell('server', 'The server has not been reached for so long that the installer’s rules hold.');
  if (unseen.length > 0) tell('unseen', `What does not answer is assumed worst: ${unseen.join(', ')}.`);
  return told;
}
