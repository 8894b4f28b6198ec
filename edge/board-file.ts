import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { type CheckedYaml, parseCheckedYaml } from '#hal/checked-yaml.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { buildingTypes } from '#drivers/site/load-shapes.ts';
import { localTimeOf } from '#drivers/site/local-time.ts';

const closed = { additionalProperties: false } as const;
const mostW = 10_000_000;

const port = Type.Optional(
  Type.Object(
    { tcp: Type.String({ pattern: '^[^\\s:]+:[0-9]{1,5}$', title: 'a text like "192.168.1.20:502"' }) },
    { ...closed, description: 'Where the device answers; needed when `hal` is real.' },
  ),
);
const unit = Type.Integer({ minimum: 1, maximum: 247, description: 'Modbus unit identifier' });
const ratedW = Type.Integer({ minimum: 1, maximum: mostW, description: 'AC rating, W' });
const channel = Type.Integer({ minimum: 1, maximum: 6, description: 'Clamp input of the front end' });

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
      description: 'emulated: twins on loopback stand in for the devices. real: the devices at the ports below.',
    }),
    devices: Type.Object(
      {
        clamps: Type.Object(
          { driver: Type.Enum(['emontx']), gridChannel: channel, loadChannel: channel, port },
          closed,
        ),
        inverter: Type.Optional(Type.Object({ driver: Type.Enum(['sunspec-inverter']), unit, ratedW, port }, closed)),
        battery: Type.Optional(
          Type.Object(
            {
              driver: Type.Enum(['sunspec-battery']),
              unit,
              capacityWh: Type.Integer({ minimum: 1, maximum: mostW }),
              ratedW,
              reservePercent: Type.Integer({
                minimum: 0,
                maximum: 100,
                description: 'The building keeps this much for itself.',
              }),
              port,
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    site: Type.Optional(
      Type.Object(
        { peakLoadW: Type.Integer({ minimum: 1, maximum: mostW, description: 'Load of its busiest ordinary hour' }) },
        { ...closed, description: 'What the emulation has to know; needed when `hal` is emulated.' },
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

/** A checked board file. Powers are integer W, energies integer Wh. */
export type BoardFile = Static<typeof boardSchema> & {
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
export function loadBoardFile(path: string): BoardFile {
  const checked = parseCheckedYaml(path, readInput(path), boardSchema, codes);
  checkRules(checked);
  return { ...checked.value, path };
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
function checkRules({ value, fault }: CheckedYaml<Static<typeof boardSchema>>): void {
  const { devices, hal, location, site } = value;
  if (!isTimeZone(location.timeZone)) {
    const found = JSON.stringify(location.timeZone);
    throw fault(['location', 'timeZone'], `expected a time zone like America/Los_Angeles, found ${found}`);
  }
  if (devices.clamps.gridChannel === devices.clamps.loadChannel) {
    throw fault(['devices', 'clamps', 'loadChannel'], 'expected another channel than gridChannel');
  }
  if (hal === 'emulated' && site === undefined) {
    throw fault(['site'], 'missing, expected site: { peakLoadW } because hal is emulated');
  }
  if (hal === 'emulated' && devices.battery !== undefined && devices.battery.unit === devices.inverter?.unit) {
    throw fault(
      ['devices', 'battery', 'unit'],
      'expected another unit than the inverter has: emulated, they share a bus',
    );
  }
  if (hal === 'real') {
    for (const [name, device] of Object.entries(devices)) {
      if (device.port !== undefined) continue;
      throw fault(['devices', name, 'port'], 'missing, expected port: { tcp: "host:port" } because hal is real');
    }
  }
}

function isTimeZone(name: string): boolean {
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
