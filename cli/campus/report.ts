import type { FleetReport } from '#edge/fleet/protocol.ts';
import type { HeadEndReport } from '#head-end/protocol.ts';

/** What `campus --json` writes. Energy in Wh, money in micro-units of the settlement token, times in milliseconds. */
export interface CampusReport {
  readonly meters: number;
  readonly windows: number;
  readonly readings: {
    readonly posted: number;
    readonly acknowledged: number;
    readonly stored: number;
    readonly lost: number;
    readonly duplicates: number;
  };
  readonly energyWh: HeadEndReport['energyWh'] & { readonly p2p: number; readonly residue: number };
  readonly market: HeadEndReport['market'];
  readonly settlement: HeadEndReport['settlement'];
  readonly tls: FleetReport['tls'];
  readonly latencyMs: FleetReport['latencyMs'];
  readonly elapsedMs: number;
  readonly rssMb: { readonly headEnd: number; readonly boards: number };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const megabytes = (bytes: number): number => Math.round(bytes / 1_000_000);

/** Joins what both ends counted apart: the boards what they sent, the head-end what its database and ledger hold. */
export function campusReport(fleet: FleetReport, headEnd: HeadEndReport, elapsedMs: number): CampusReport {
  const { boards } = fleet;
  const { energyWh, readings } = headEnd;
  const incoming = energyWh.generation + energyWh.gridImport + energyWh.storageDischarge;
  const outgoing = energyWh.consumption + energyWh.gridExport + energyWh.storageCharge + energyWh.losses;
  return {
    meters: boards.length,
    windows: headEnd.windows,
    readings: {
      posted: sum(boards.map((board) => board.posted)),
      acknowledged: sum(boards.map((board) => board.acknowledged)),
      stored: readings.stored,
      lost: sum(
        boards.map((board) => Math.max(0, board.acknowledgedEver - (readings.storedThrough[board.meterId] ?? 0))),
      ),
      duplicates: readings.duplicates,
    },
    energyWh: { ...energyWh, p2p: headEnd.market.volumeWh, residue: incoming - outgoing },
    market: headEnd.market,
    settlement: headEnd.settlement,
    tls: fleet.tls,
    latencyMs: fleet.latencyMs,
    elapsedMs: Math.round(elapsedMs),
    rssMb: { headEnd: megabytes(headEnd.rssBytes), boards: megabytes(fleet.rssBytes) },
  };
}
