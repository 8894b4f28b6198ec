import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FieldStore, fieldFile } from './field-store.ts';
import type { FleetBoard } from './protocol.ts';

/** The boards of one lane, and the folder of its stores. */
export interface LaneStores {
  readonly folder: string;
  readonly boards: readonly FleetBoard[];
}

/**
 * One lane a core of the smallest machine that runs a campus. The first lane's folder is the boards' own, as it was when
 * there was one lane only.
 */
export const laneFolders = (dataFolder: string): readonly string[] => [dataFolder, join(dataFolder, 'lane-2')];

function meterIdsIn(folder: string): readonly string[] {
  const file = join(folder, fieldFile);
  if (!existsSync(file)) return [];
  using store = new FieldStore(file);
  return store.meterIds();
}

/**
 * Shares boards out among lanes: one that a lane knows stays there, where its outbox is; the others go, in their order,
 * to the lane with the fewest. `known`: the meter ids of each lane.
 */
export function shareOut(
  boards: readonly FleetBoard[],
  known: readonly (readonly string[])[],
): readonly (readonly FleetBoard[])[] {
  const laneOf = new Map(known.flatMap((meterIds, lane) => meterIds.map((meterId) => [meterId, lane] as const)));
  const isNew = ({ meterId }: FleetBoard): boolean => !laneOf.has(meterId);
  const lanes = known.map((_, lane) => boards.filter(({ meterId }) => laneOf.get(meterId) === lane));
  for (const board of boards.filter(isNew)) {
    const fewest = lanes.reduce((least, lane) => (lane.length < least.length ? lane : least));
    fewest.push(board);
  }
  return lanes;
}

/** The lanes of a fleet that have boards. Throws GTX-FLT-001 where their stores cannot be read. */
export function openLanes(dataFolder: string, boards: readonly FleetBoard[]): readonly LaneStores[] {
  const folders = laneFolders(dataFolder);
  const shares = shareOut(boards, folders.map(meterIdsIn));
  const lanes = folders.map((folder, lane) => ({ folder, boards: shares[lane] ?? [] }));
  const used = lanes.filter((lane) => lane.boards.length > 0);
  for (const { folder } of used) mkdirSync(folder, { recursive: true, mode: 0o700 });
  return used;
}
