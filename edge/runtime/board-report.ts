import { isoTime, UnixSeconds } from '#hal/units.ts';
import type { TpmSignatures } from '#provisioning/tpm/provider/provider.ts';
import type { Board } from '../board.ts';
import type { BoardFile } from '../board-file.ts';
import { type ExplainedSentence, explainInWords } from '../control/explanation-words.ts';
import type { PartHealth } from '../health.ts';
import type { OutboxReport, OutboxTotals } from '../outbox.ts';
import type { SiteSample } from '../sampler.ts';

/** Everything that a board tells of itself on its own machine. Powers are W; plain data. */
export interface BoardReport {
  readonly meterId: string;
  readonly name: string;
  readonly at: UnixSeconds;
  readonly isControlAlive: boolean;
  readonly parts: readonly PartHealth[];
  readonly sample: SiteSample | null;
  /** What holds now and why. */
  readonly reasons: readonly ExplainedSentence[];
  readonly outbox: OutboxReport & { readonly totals: OutboxTotals };
  readonly tls: {
    /** With its server, since the program began. */
    readonly handshakes: number;
    /** What the TPM signed for them, where the board's key is in one. */
    readonly tpm?: TpmSignatures;
  };
}

export function reportOf(
  file: BoardFile,
  board: Board,
  at: UnixSeconds,
  {
    isControlAlive,
    others,
    tpm,
  }: {
    readonly isControlAlive: boolean;
    /** Parts beside those of the board. */
    readonly others: readonly PartHealth[];
    readonly tpm: TpmSignatures | undefined;
  },
): BoardReport {
  const explanation = board.explain();
  return {
    meterId: file.meterId,
    name: file.name,
    at,
    isControlAlive,
    parts: [...board.health, ...others],
    sample: board.sample ?? null,
    reasons: explanation === undefined ? [] : explainInWords(explanation, board.utility.view()),
    outbox: { ...board.outbox.report(), totals: board.outbox.totals },
    tls: { handshakes: board.connection.handshakes, ...(tpm !== undefined && { tpm }) },
  };
}

export interface ReportSection {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
}

const watts = (w: number | undefined): string => (w === undefined ? 'not known' : `${w} W`);

const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? 'not known yet' : `${(bytes / 1e6).toFixed(1)} MB`;

/** The report for a person. */
export function reportSections(report: BoardReport): readonly ReportSection[] {
  const { parts, sample, reasons, outbox, isControlAlive } = report;
  const charge = sample?.battery?.stateOfChargeCentiPercent;
  const { queued, acknowledged, dropped, refused } = outbox.totals;
  return [
    {
      title: 'Parts',
      rows: [
        ['control loop', isControlAlive ? 'runs' : 'does not answer'],
        ...parts.map(({ part, isWell, since, fault }) => [
          part,
          isWell ? 'well' : (fault ?? 'not well'),
          `since ${isoTime(since)}`,
        ]),
      ],
    },
    {
      title: sample === null ? 'No sample yet' : `Sample of ${isoTime(sample.time)}`,
      rows:
        sample === null
          ? []
          : [
              ['from the grid', watts(sample.gridW)],
              ['load', watts(sample.loadW)],
              ['PV', watts(sample.inverter?.powerW)],
              ['battery, positive discharges', watts(sample.battery?.powerW)],
              ['battery charge', charge === undefined ? 'not known' : `${(charge / 100).toFixed(1)} %`],
            ],
    },
    { title: 'Why', rows: reasons.map(({ sentence }) => [sentence]) },
    {
      title: 'Readings',
      rows: [
        ['postings that wait', String(outbox.waiting)],
        ['taken', String(queued)],
        ['acknowledged', String(acknowledged)],
        ['given up', String(dropped + refused)],
        ['written to the card a day', megabytes(outbox.writtenBytesADay)],
      ],
    },
    {
      title: 'Gaps in the readings',
      rows: outbox.gaps.map(({ from, until, why }) => [isoTime(UnixSeconds(from)), isoTime(UnixSeconds(until)), why]),
    },
  ];
}
