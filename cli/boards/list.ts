import { devicesOf, isEmulated, portOf } from '#edge/board-devices.ts';
import { type BoardFile, loadBoardFiles } from '#edge/board-file.ts';
import { placeOf } from '#hal/port-file.ts';

/** Prints a line a board of a folder. Errors: GTX-BRD-001 to 004. */
export function listBoards(folder: string, asJson: boolean): void {
  const boards = loadBoardFiles(folder).map((file) => ({
    meterId: file.meterId,
    name: file.name,
    zone: file.zone,
    devices: devicesOf(file).map(({ role, entry }) => ({ role, driver: entry.driver, at: whereIs(file, entry) })),
  }));
  if (asJson) {
    process.stdout.write(`${JSON.stringify(boards, null, 2)}\n`);
    return;
  }
  for (const { meterId, name, devices } of boards) {
    const list = devices.map(({ role, driver, at }) => `${role} ${driver} (${at})`).join(', ');
    process.stdout.write(`${meterId.padEnd(30)}${name}: ${list}\n`);
  }
}

function whereIs(file: BoardFile, entry: Parameters<typeof isEmulated>[1] & Parameters<typeof portOf>[1]): string {
  const spec = portOf(file, entry);
  return isEmulated(file, entry) || spec === undefined ? 'emulated' : placeOf(spec);
}
