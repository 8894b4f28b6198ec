import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, type TObject, Type } from '#hal/schema.ts';
import { parseCheckedYaml } from '#hal/checked-yaml.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { mqttPortSchema, type PortSpec, portSchema } from '#hal/port-file.ts';
import type { Role, roles } from '#drivers/driver.ts';
import { driverNamed } from '#drivers/registry.ts';
import { buildingTypes } from '#drivers/site/load-shapes.ts';
import { localTimeOf } from '#drivers/site/local-time.ts';
import { deviceSchemas, devicesOf, isEmulated } from './board-devices.ts';
import { checkWiring, type Fault } from './board-wiring.ts';

const closed = { additionalProperties: false } as const;
const mostW = 10_000_000;

/** The published schema of a board file (`boards/board.schema.json`). */
export const boardSchema = Type.Object(
  {
    meterId: Type.String({
      pattern: '^[A-Z][A-Z0-9_]{2,63}$',
      title: 'a meter id like AMI_METER_STANFORD_ENG_001',
      description: 'The name of the board in the whole system; unique.',
    }),
    name: Type.String({ minLength: 1, maxLength: 80, title: 'a text of 1 to 80 characters' }),
    building: Type.Enum([...buildingTypes]),
    zone: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,31}$',
      title: 'a market zone in lower case, like campus',
      description: 'Market zone; all boards of a campus have the same.',
    }),
    location: Type.Object(
      {
        latitude: Type.Number({ minimum: -90, maximum: 90, description: 'Degrees, north positive' }),
        longitude: Type.Number({ minimum: -180, maximum: 180, description: 'Degrees, east positive' }),
        timeZone: Type.String({ title: 'a time zone like America/Los_Angeles' }),
      },
      closed,
    ),
    connection: Type.Object(
      {
        importLimitW: Type.Integer({ minimum: 0, maximum: mostW }),
        exportLimitW: Type.Integer({ minimum: 0, maximum: mostW }),
        controlWhenLost: Type.Optional(
          Type.Object(
            {
              afterSeconds: Type.Integer({ minimum: 0, maximum: 86_400 }),
              importLimitW: Type.Optional(Type.Integer({ minimum: 0, maximum: mostW })),
              exportLimitW: Type.Optional(Type.Integer({ minimum: 0, maximum: mostW })),
            },
            {
              ...closed,
              description:
                'Tighter limits once the server has been out of reach for so long, as far as no event that was received and no default sets one.',
            },
          ),
        ),
      },
      { ...closed, description: 'What the connection to the grid may carry; the board keeps within it.' },
    ),
    hal: Type.Enum(['emulated', 'real'], {
      description:
        'emulated: twins on loopback stand in for all devices. real: the devices at their ports, but for those whose port is `emulated`.',
    }),
    ports: Type.Optional(
      Type.Record(Type.String(), portSchema, { description: 'What the board is wired to, each by a name of its own.' }),
    ),
    devices: Type.Object(deviceSchemas, closed),
    homeAssistant: Type.Optional(
      Type.Object(mqttPortSchema.properties, {
        ...closed,
        description: 'The broker of Home Assistant, which is told what the board measures.',
      }),
    ),
    site: Type.Optional(
      Type.Object(
        { peakLoadW: Type.Integer({ minimum: 1, maximum: mostW, description: 'Load of its busiest ordinary hour' }) },
        { ...closed, description: 'What the emulation has to know; needed when a device is emulated.' },
      ),
    ),
  },
  {
    ...closed,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:gridtokenx:board-file:v1',
    description: 'Board file of GridTokenX: one building and the board that meters and controls it.',
  },
);

/** What the file says of one device: its role's settings, and by name those of its driver. */
export type DeviceEntry<R extends Role> = Static<TObject<(typeof roles)[R]>> & {
  readonly driver: string;
  /** A port's name, a port, or `emulated`; absent where the whole board is emulated. */
  readonly port?: string | PortSpec;
  readonly [setting: string]: unknown;
};

/** A checked board file. Powers are integer W, energies integer Wh. */
export type BoardFile = Omit<Static<typeof boardSchema>, 'devices'> & {
  readonly devices: { readonly [R in Role]?: DeviceEntry<R> };
  /** Where it was read from, as given. */
  readonly path: string;
};

const codes = {
  unreadable: 'GTX-BRD-001',
  invalid: 'GTX-BRD-002',
  hint: 'boards/board.schema.json says what a board file may hold; boards/README.md has an example.',
} as const;

/**
 * Reads and checks one board file.
 * @throws GridError GTX-BRD-001 (cannot be read, or is not YAML) or GTX-BRD-002 (line, key and what was expected)
 */
export const loadBoardFile = (path: string): BoardFile => parseBoardFile(path, readInput(path));

/**
 * Like `loadBoardFile`, of the text of a file.
 * @throws GridError GTX-BRD-001 (not YAML) or GTX-BRD-002
 */
export function parseBoardFile(path: string, text: string): BoardFile {
  const { value, fault } = parseCheckedYaml(path, text, boardSchema, codes);
  // The schema is made from the registry, where the types of its drivers are forgotten.
  const file = { ...value, path } as BoardFile;
  checkRules(file, fault);
  checkWiring(file, fault);
  return file;
}

/**
 * Reads every `*.yaml` of a folder, sorted by meterId.
 * @throws GridError as `loadBoardFile`; GTX-BRD-003 (two files with one meterId), GTX-BRD-004 (no board file there)
 */
export function loadBoardFiles(directory: string): BoardFile[] {
  const names = readInputFolder(directory).filter((name) => /\.ya?ml$/.test(name));
  if (names.length === 0) {
    throw new GridError('GTX-BRD-004', `No board file (*.yaml) in ${directory}`, {
      kind: 'input',
      hint: 'Give the folder that holds the building files, such as boards/stanford.',
    });
  }
  const byMeter = new Map<string, BoardFile>();
  for (const name of names.toSorted()) {
    const board = loadBoardFile(join(directory, name));
    const other = byMeter.get(board.meterId);
    if (other !== undefined) {
      throw new GridError('GTX-BRD-003', `${other.path} and ${board.path} have the same meterId ${board.meterId}`, {
        kind: 'input',
        hint: 'Give each board a meterId of its own.',
      });
    }
    byMeter.set(board.meterId, board);
  }
  return [...byMeter.values()].toSorted((a, b) => (a.meterId < b.meterId ? -1 : 1));
}

/** The rules that a JSON Schema cannot state, or states in a way that nobody can read. */
function checkRules(file: BoardFile, fault: Fault): void {
  const { devices, location, site } = file;
  if (!isTimeZone(location.timeZone)) {
    const found = JSON.stringify(location.timeZone);
    throw fault(['location', 'timeZone'], `expected a time zone like America/Los_Angeles, found ${found}`);
  }
  if (devices.clamps === undefined) {
    throw fault(['devices', 'clamps'], 'missing, expected clamps: without them nobody sees the connection point');
  }
  if (devices.clamps.gridChannel === devices.clamps.loadChannel) {
    throw fault(['devices', 'clamps', 'loadChannel'], 'expected another channel than gridChannel');
  }
  for (const { role, entry } of devicesOf(file)) {
    const broken = driverNamed(role, entry.driver).check?.(entry);
    if (broken !== undefined) throw fault(['devices', role, broken.key], broken.text);
  }
  if (site === undefined && devicesOf(file).some(({ entry }) => isEmulated(file, entry))) {
    throw fault(['site'], 'missing, expected site: { peakLoadW } because a device is emulated');
  }
}

/** The list has the usual names; those that it lacks cost 10 MB of formats and languages to be asked for. */
function isTimeZone(name: string): boolean {
  if (name === 'UTC' || Intl.supportedValuesOf('timeZone').includes(name)) return true;
  try {
    localTimeOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function readInput(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readInputFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, cause: unknown): GridError =>
  new GridError(codes.unreadable, `${path} cannot be read: ${reasonOf(cause)}`, {
    kind: 'input',
    hint: 'Check the path and that you may read it.',
    cause,
  });
