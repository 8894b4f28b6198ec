import { GridError } from '#hal/errors.ts';
import type { Recording } from '#hal/recording/recording.ts';
import { schemaFaults } from '#hal/schema-faults.ts';
import { driverNamed } from '#drivers/registry.ts';
import { devicesOf } from '../board-devices.ts';
import { type BoardFile, boardSchema } from '../board-file.ts';

/** In place of where the board stands, which a recording does not tell. */
const nowhere = { latitude: 0, longitude: 0, timeZone: 'UTC' };

/**
 * The board file of a recording.
 * @throws GridError GTX-REC-006 for a board that this program does not know
 */
export function boardIn({ path, header }: Recording): BoardFile {
  const value = { ...header.board, location: nowhere };
  const [fault] = schemaFaults(boardSchema, value);
  if (fault !== undefined) throw unknown(path, header.software, `${fault.path.join('.')} is another`);
  const file = { ...(value as unknown as Omit<BoardFile, 'path'>), path };
  if (file.devices.clamps === undefined) throw unknown(path, header.software, 'it has no clamps');
  for (const { role, entry } of devicesOf(file)) {
    const { wire } = driverNamed(role, entry.driver);
    const port = header.ports[header.devices[role]?.port ?? -1];
    if (port?.wire !== wire) throw unknown(path, header.software, `${role} has no ${wire} port`);
  }
  return file;
}

const unknown = (path: string, software: string, what: string): GridError =>
  new GridError('GTX-REC-006', `${path} is of a board that cannot be replayed: ${what}`, {
    kind: 'input',
    hint: `It was recorded by version ${software}; its board file may need what this version does not have.`,
  });
