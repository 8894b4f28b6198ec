import { GridError } from '#hal/errors.ts';
import { meterMaps } from '../meter/maps.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { decodePoint } from '../register-codec.ts';
import { baseFactor, type MapPoint, readsOf, type RegisterMap, spanOf } from '../register-map.ts';
import { judgeMap, type MapValues } from './map-evidence.ts';

/** `certain`: it says so itself. `likely`: several things agree that would not by chance. `possible`: nothing is against it. */
export const certainties = ['certain', 'likely', 'possible'] as const;
export type Certainty = (typeof certainties)[number];

/** A meter that a device may be. */
export interface MeterCandidate {
  /** Its register map, and the driver where one is made of it. */
  readonly map: string;
  readonly title: string;
  readonly certainty: Certainty;
  readonly evidence: readonly string[];
}

/** Where a device says what it is. */
interface IdentityRegisters {
  readonly at: number;
  readonly count: number;
  /** What it says in words where it is this device, else `undefined`. */
  readonly read: (registers: Buffer) => string | undefined;
}

const gavazziCode = (least: number, greatest: number): IdentityRegisters => ({
  at: 0x0b,
  count: 1,
  read: (registers) => {
    const code = registers.readUInt16BE(0);
    return code >= least && code <= greatest ? `its identification code is ${code}` : undefined;
  },
});

/** Holding registers 800 to 805 of com.victronenergy.system: the serial number of the GX, twelve hexadecimal digits. */
const gxSerial: IdentityRegisters = {
  at: 800,
  count: 6,
  read: (registers) => {
    const text = registers.toString('latin1').toLowerCase();
    return /^[0-9a-f]{12}$/.test(text) ? `it gives the GX serial number ${text}` : undefined;
  },
};

/**
 * By map. Carlo Gavazzi: "identification code" at 000Bh of the EM24's communication protocol (71 to 76 on RS-485, 1648
 * to 1653 on Ethernet). Victron: CCGX Modbus TCP register list.
 */
const identityOf: Readonly<Record<string, IdentityRegisters>> = {
  em24: gavazziCode(71, 76),
  'em24-ethernet': gavazziCode(1648, 1653),
  'victron-gx': gxSerial,
};

/** So many things that agree are no chance any more. */
const likelyFrom = 3;

/**
 * Which of the known meters a unit may be, the best first; empty where it is none of them.
 * Errors: `GTX-MOD-001` and others that say nothing of the unit.
 */
export async function identifyMeter(transport: RegisterTransport, unit: number): Promise<readonly MeterCandidate[]> {
  const found: (MeterCandidate & { readonly points: number })[] = [];
  for (const map of meterMaps) {
    const candidate = await tryMap(map, transport, unit);
    if (candidate !== undefined) found.push({ ...candidate, points: map.points.length });
  }
  const rank = ({ certainty }: MeterCandidate): number => certainties.indexOf(certainty);
  const sorted = found.toSorted(
    (a, b) => rank(a) - rank(b) || b.evidence.length - a.evidence.length || b.points - a.points,
  );
  return sorted.map(({ points: _points, ...candidate }) => candidate);
}

async function tryMap(
  map: RegisterMap,
  transport: RegisterTransport,
  unit: number,
): Promise<MeterCandidate | undefined> {
  const values = await valuesAt(map, transport, unit);
  if (values === undefined) return undefined;
  const { supporting, contradicting, isImpossible } = judgeMap(map, values);
  if (isImpossible) return undefined;
  const identity = await identityAt(map, transport, unit);
  if (identity === null) return undefined;
  const { name, title } = map;
  if (identity !== undefined) return { map: name, title, certainty: 'certain', evidence: [identity, ...supporting] };
  if (supporting.length <= contradicting.length) return undefined;
  const isLikely = supporting.length >= likelyFrom && contradicting.length === 0;
  const doubts = contradicting.map((doubt) => `but not ${doubt}`);
  return { map: name, title, certainty: isLikely ? 'likely' : 'possible', evidence: [...supporting, ...doubts] };
}

/** What stands where the map has its points, in base units; `undefined` where the unit refuses or does not answer. */
async function valuesAt(map: RegisterMap, transport: RegisterTransport, unit: number): Promise<MapValues | undefined> {
  const values = new Map<MapPoint, number | undefined>();
  for (const { start, end } of readsOf(map)) {
    const registers = await readOrNot(transport, map.function, unit, start, end - start);
    if (registers === undefined) return undefined;
    for (const point of map.points) {
      const span = spanOf(point);
      if (span.start < start || span.end > end) continue;
      const value = valueOf(point, map, registers, 2 * (span.start - start));
      if (value === 'none') return undefined;
      values.set(point, value === undefined ? undefined : Math.round(value * baseFactor(point)));
    }
  }
  return values;
}

/** `none`: more than any meter counts. */
function valueOf(point: MapPoint, map: RegisterMap, registers: Buffer, offset: number): number | undefined | 'none' {
  try {
    return decodePoint(point, map, registers, offset);
  } catch (error) {
    if (error instanceof GridError && error.code === 'GTX-MAP-003') return 'none';
    throw error;
  }
}

/** What it says that it is; `null` for something else, `undefined` where it does not say. */
async function identityAt(
  { name }: RegisterMap,
  transport: RegisterTransport,
  unit: number,
): Promise<string | null | undefined> {
  const identity = identityOf[name];
  if (identity === undefined) return undefined;
  const registers = await readOrNot(transport, 'holding', unit, identity.at, identity.count);
  return registers === undefined ? undefined : (identity.read(registers) ?? null);
}

/** What a device that lacks these registers says, or does not say. */
const refusals = /^GTX-MOD-(1\d\d|002|003|007)$/;

/** The registers; `undefined` where the unit refuses them or is silent about them. */
export async function readOrNot(
  transport: RegisterTransport,
  kind: RegisterMap['function'],
  unit: number,
  start: number,
  count: number,
): Promise<Buffer | undefined> {
  try {
    return kind === 'input'
      ? await transport.readInput(unit, start, count)
      : await transport.readHolding(unit, start, count);
  } catch (error) {
    if (error instanceof GridError && refusals.test(error.code)) return undefined;
    throw error;
  }
}
