import type { BytePort } from '#hal/ports.ts';
import { meterMaps } from '../meter/maps.ts';
import { ModbusRtuClient } from '../modbus/rtu-client.ts';
import { type EmonFinding, listenForEmon } from './listen-emon.ts';
import { scanUnits, type UnitFinding } from './scan-units.ts';

/** How a serial line is set: eight data bits. */
export interface LineSetting {
  readonly baud: number;
  readonly parity: 'none' | 'even';
  readonly stopBits: 1 | 2;
}

/** As people write it: `9600 8N1`. */
export const settingText = ({ baud, parity, stopBits }: LineSetting): string =>
  `${baud} 8${parity === 'none' ? 'N' : 'E'}${stopBits}`;

const framings = [
  { parity: 'none', stopBits: 1 },
  { parity: 'even', stopBits: 1 },
  { parity: 'none', stopBits: 2 },
] as const;
const bauds = [9600, 19_200, 38_400, 115_200, 2400, 4800] as const;

/** What devices in the field are set to, the usual first: every rate as it is delivered before other framings. */
export const usualSettings: readonly LineSetting[] = framings.flatMap((framing) =>
  bauds.map((baud) => ({ baud, ...framing })),
);

export interface SerialSearchOptions {
  /** The line with a setting; opened and closed again before the next. */
  readonly portOf: (setting: LineSetting) => BytePort;
  /** Units to ask, each 1 to 247. */
  readonly units: readonly number[];
  readonly settings?: readonly LineSetting[];
  /** How long a device may think before it answers, ms. 150 unless told. */
  readonly answerTimeoutMs?: number;
  /** How long to listen for a CT front-end that speaks of its own accord, ms: longer than its period of 10 s. */
  readonly listenMs?: number;
  readonly onProgress?: (doing: string, done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

export interface SerialFinding {
  readonly setting: LineSetting;
  readonly found: readonly UnitFinding[];
  readonly emon: EmonFinding | undefined;
}

export interface SerialSearchResult {
  /** `undefined` where nobody answers at any setting. */
  readonly finding: SerialFinding | undefined;
  /** Settings at which something came that was no answer. */
  readonly damagedAt: readonly LineSetting[];
}

const emonSetting: LineSetting = { baud: 115_200, parity: 'none', stopBits: 1 };
const listenMs = 12_000;
const answerTimeoutMs = 150;

const deliveredUnits = [1, 2, 3, 4, 5, 10, 100, 126, 200, 240, 247] as const;
/** Numbers that devices are delivered with, and those that installers give first. */
const firstUnits: ReadonlySet<number> = new Set<number>([
  ...deliveredUnits,
  ...meterMaps.map(({ unitId = 1 }) => unitId),
]);

/**
 * Looks for who is on a serial line and how it is set: at each setting the units that are usual, then a front-end that
 * speaks by itself, then at each setting all units. All devices of a line have one setting, so the first at which
 * one answers is the line's, and all units are asked there. Rejects with the port's error and the signal's reason.
 */
export async function searchSerial(options: SerialSearchOptions): Promise<SerialSearchResult> {
  const { units, settings = usualSettings } = options;
  const damagedAt = new Set<LineSetting>();
  const likely = units.filter((unit) => firstUnits.has(unit));
  const others = units.filter((unit) => !firstUnits.has(unit));
  for (const part of [likely, others]) {
    for (const setting of part.length === 0 ? [] : settings) {
      const first = await ask(setting, part, options, damagedAt);
      if (first.length === 0) continue;
      const rest = await ask(setting, part === likely ? others : likely, options, damagedAt);
      const found = [...first, ...rest].toSorted((a, b) => a.unit - b.unit);
      return { finding: { setting, found, emon: undefined }, damagedAt: [...damagedAt] };
    }
    if (part !== likely) continue;
    const emon = await listen(options);
    if (emon !== undefined) return { finding: { setting: emonSetting, found: [], emon }, damagedAt: [] };
  }
  return { finding: undefined, damagedAt: [...damagedAt] };
}

async function ask(
  setting: LineSetting,
  units: readonly number[],
  options: SerialSearchOptions,
  damagedAt: Set<LineSetting>,
): Promise<readonly UnitFinding[]> {
  if (units.length === 0) return [];
  const port = options.portOf(setting);
  await using client = new ModbusRtuClient(port, {
    baud: setting.baud,
    answerTimeoutMs: options.answerTimeoutMs ?? answerTimeoutMs,
  });
  const { found, damaged } = await scanUnits(client, {
    units,
    onAsked: (asked, all) => options.onProgress?.(settingText(setting), asked, all),
    ...(options.signal && { signal: options.signal }),
  });
  if (damaged.length > 0 && found.length === 0) damagedAt.add(setting);
  return found;
}

async function listen(options: SerialSearchOptions): Promise<EmonFinding | undefined> {
  options.signal?.throwIfAborted();
  options.onProgress?.(`listening at ${settingText(emonSetting)}`, 0, 1);
  const found = await listenForEmon(options.portOf(emonSetting), options.listenMs ?? listenMs, options.signal);
  options.onProgress?.(`listening at ${settingText(emonSetting)}`, 1, 1);
  return found;
}
