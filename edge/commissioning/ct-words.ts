import type { Balance, ClampFault, ClampFinding } from './ct-check.ts';
import type { CtMethod } from './ct-run.ts';

/** What the technician reads of one clamp, and what is to be done. */
export interface ClampWords {
  readonly finding: string;
  readonly mend: string | undefined;
}

const place = ({ channel, sees, phase }: ClampFinding): string =>
  `clamp ${channel} (${sees}${phase === undefined ? '' : `, ${phase}`})`;

const shown = (factor: number | undefined): string => (factor === undefined ? 'unknown' : factor.toFixed(2));
const times = (factor: number | undefined): string =>
  factor === undefined || factor === 0 ? '–' : Math.abs(1 / factor).toFixed(3);

interface FaultWords {
  readonly finding: (clamp: ClampFinding) => string;
  readonly mend: (clamp: ClampFinding) => string;
}

const words: Readonly<Record<ClampFault, FaultWords>> = {
  dead: {
    finding: (clamp) => `${place(clamp)} shows nothing, though power flows`,
    mend: () => 'Push its plug home, check that it is closed around one conductor only, and try another input.',
  },
  reversed: {
    finding: (clamp) => `${place(clamp)} hangs the wrong way round`,
    mend: ({ channel }) => `Turn it round, or change isReversed of input ${channel} in the board file.`,
  },
  ratio: {
    finding: (clamp) => `${place(clamp)} shows ${shown(clamp.factor)} of what flows: its ratio is wrong`,
    mend: ({ channel, factor }) =>
      `Check the type of clamp and how often the conductor goes through it; or multiply the ratio of input ${channel} in the board file by ${times(factor)}.`,
  },
  reversedRatio: {
    finding: (clamp) => `${place(clamp)} hangs the wrong way round, and shows ${shown(clamp.factor)} of what flows`,
    mend: ({ channel, factor }) =>
      `Turn it round and check its type; or in the board file change isReversed of input ${channel}, and multiply its ratio by ${times(factor)}.`,
  },
  wrongPhase: {
    finding: (clamp) =>
      `${place(clamp)} shows ${shown(clamp.factor)} of what flows${clamp.hangsOn === undefined ? '' : ` on ${clamp.hangsOn}`}: it is measured with the voltage of another line`,
    mend: ({ hangsOn, phase }) =>
      hangsOn === undefined
        ? 'Hang it on the line whose voltage the front-end measures for this input.'
        : `It hangs on ${hangsOn}: hang it on ${phase ?? 'its own line'}, or exchange the inputs.`,
  },
  elsewhere: {
    finding: (clamp) =>
      clamp.hangsOn === undefined
        ? `${place(clamp)} shows something else than it is to see`
        : `${place(clamp)} hangs on ${clamp.hangsOn}`,
    mend: ({ hangsOn }) =>
      hangsOn === undefined
        ? 'Follow the conductor: it is another circuit, or behind a branch.'
        : 'Exchange the clamps, or the channels in the board file.',
  },
  noisy: {
    finding: (clamp) => `${place(clamp)} leaps about by ${clamp.noiseW ?? 0} W that nothing explains`,
    mend: () =>
      'Keep its cable away from inverter and motors, check the plug and the jaws of the clamp, and shield it.',
  },
};

export function wordsFor(clamp: ClampFinding): ClampWords {
  const { verdict, fault, factor, uncertainty } = clamp;
  if (fault !== undefined) return { finding: words[fault].finding(clamp), mend: words[fault].mend(clamp) };
  if (verdict === 'good') {
    const sure = uncertainty === undefined ? '' : ` ± ${uncertainty.toFixed(2)}`;
    return { finding: `${place(clamp)} is right: it shows ${shown(factor)}${sure} of what flows`, mend: undefined };
  }
  return {
    finding: `${place(clamp)} could not be judged: too little flowed or changed`,
    mend: 'Check it again with --step, with a meter beside it (--meter), or while the site is busy.',
  };
}

export function balanceWords({ verdict, differenceW, scaleW }: Balance, method: CtMethod): string {
  const what =
    method === 'meter' ? 'The grid clamps and the meter' : 'What comes in, what is generated and what is drawn';
  if (differenceW === undefined) return `${what} could not be compared.`;
  const share = scaleW === 0 ? 0 : Math.round((100 * Math.abs(differenceW)) / scaleW);
  const figures = `${Math.abs(differenceW)} W, ${share} % of the greatest flow`;
  return verdict === 'good' ? `${what} agree within ${figures}.` : `${what} disagree by ${figures}.`;
}

export const methodWords: Readonly<Record<CtMethod, string>> = {
  meter: 'against a meter at the connection point',
  step: 'by a step of power',
  passive: 'by watching only',
};
