import type { Recording } from '#hal/recording/recording.ts';
import { reasonOf } from '#hal/errors.ts';
import { meterMaps } from '../meter/maps.ts';
import { exceptionError, functionCode } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { decodePoint } from '../register-codec.ts';
import { type RegisterMap, spanOf } from '../register-map.ts';
import { type ModelId, modelTable, scanDevice } from '../sunspec/device-map.ts';
import { models } from '../sunspec/models.generated.ts';
import { decodeNumber, type NumberType } from '../sunspec/point-codec.ts';
import { type Exchange, exchangesOf, type Framing, framingOf, outcomeOf } from './modbus-exchanges.ts';
import { RegisterHistory } from './register-history.ts';

/** A point of a unit, as far as a person wants to see it. */
interface NamedPoint {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly isInput: boolean;
  /** Of its own registers; `undefined` where the device says that it has no value. */
  readonly text: (registers: Buffer) => string | undefined;
}

/** What an exchange was, in words and as data. */
export interface ModbusWords {
  readonly unit: number;
  readonly function: string;
  readonly from: number;
  readonly count: number;
  /** `answer`, `exception 2`, `damaged`, `silence`, `closed`. */
  readonly outcome: string;
  readonly afterMs: number | undefined;
  /** Of the registers read or written, by name where the device is known. */
  readonly values: Readonly<Record<string, string>>;
  /** The same as they are, hexadecimal. */
  readonly registers: string;
}

const functions: Readonly<Record<number, string>> = {
  [functionCode.readHolding]: 'read holding',
  [functionCode.readInput]: 'read input',
  [functionCode.writeSingle]: 'write',
  [functionCode.writeMultiple]: 'write',
};

/** A recorded Modbus port and what is known of its units. */
export class RecordedModbus {
  readonly exchanges: readonly Exchange[];
  readonly #framing: Framing;
  readonly #points = new Map<number, readonly NamedPoint[]>();

  private constructor(exchanges: readonly Exchange[], framing: Framing) {
    this.exchanges = exchanges;
    this.#framing = framing;
  }

  /** @param place of the port in the header */
  static async of(recording: Recording, place: number): Promise<RecordedModbus> {
    const framing = framingOf(recording.header.ports[place] ?? {});
    const frames = recording.frames.filter(({ port }) => port === place);
    const exchanges = exchangesOf(frames, framing);
    const modbus = new RecordedModbus(exchanges, framing);
    const names = driversOnPort(recording, place);
    for (const [unit, bank] of new RegisterHistory(exchanges, framing).banks(() => Infinity)) {
      const map = meterMaps.find(({ name }) => name === names.get(unit));
      modbus.#points.set(unit, map === undefined ? await sunSpecPoints(bank) : mapPoints(map));
    }
    return modbus;
  }

  words(exchange: Exchange): ModbusWords {
    const { request } = exchange;
    const outcome = outcomeOf(exchange, this.#framing);
    const fn = request[1] ?? 0;
    const isWrite = fn === functionCode.writeSingle || fn === functionCode.writeMultiple;
    const from = request.length < 6 ? 0 : request.readUInt16BE(2);
    const answered = outcome.is === 'answer' ? outcome.answer.subarray(3) : Buffer.alloc(0);
    const written = fn === functionCode.writeSingle ? request.subarray(4, 6) : request.subarray(7);
    const registers = isWrite ? written : answered;
    const asked = fn === functionCode.writeSingle || request.length < 6 ? 1 : request.readUInt16BE(4);
    const isTold = outcome.is === 'answer' || outcome.is === 'exception';
    return {
      unit: request[0] ?? 0,
      function: functions[fn] ?? `function ${fn}`,
      from,
      count: asked,
      outcome: outcome.is === 'exception' ? `exception ${outcome.answer[2]}` : outcome.is,
      afterMs: isTold ? outcome.afterMs : undefined,
      values: this.#values(request[0] ?? 0, fn === functionCode.readInput, from, registers),
      registers: registers.toString('hex'),
    };
  }

  #values(unit: number, isInput: boolean, from: number, registers: Buffer): Readonly<Record<string, string>> {
    const end = from + registers.length / 2;
    const points = this.#points.get(unit) ?? [];
    return Object.fromEntries(
      points
        .filter((point) => point.isInput === isInput && from <= point.start && point.end <= end)
        .flatMap(({ name, start, end: last, text }) => {
          const value = text(registers.subarray(2 * (start - from), 2 * (last - from)));
          return value === undefined ? [] : [[name, value]];
        }),
    );
  }
}

/** The drivers of the devices on a port, by unit. */
function driversOnPort({ header }: Recording, place: number): ReadonlyMap<number, string> {
  const { devices: entries } = header.board as { readonly devices?: Readonly<Record<string, unknown>> };
  const onPort = Object.entries(header.devices).filter(([, { port }]) => port === place);
  return new Map(
    onPort.flatMap(([role]) => {
      const { unit, driver } = (entries?.[role] ?? {}) as { readonly unit?: unknown; readonly driver?: unknown };
      return typeof unit === 'number' && typeof driver === 'string' ? [[unit, driver] as const] : [];
    }),
  );
}

const mapPoints = (map: RegisterMap): readonly NamedPoint[] =>
  map.points.map((point) => ({
    name: point.name,
    ...spanOf(point),
    isInput: map.function === 'input',
    text: (registers) => {
      try {
        const value = decodePoint(point, map, registers);
        return value === undefined ? undefined : `${Number(value.toPrecision(9))} ${point.unit}`;
      } catch (error) {
        return reasonOf(error);
      }
    },
  }));

/** The points of a unit that speaks SunSpec, none of one that does not. */
async function sunSpecPoints(bank: RegisterBank): Promise<readonly NamedPoint[]> {
  const blocks = await scanDevice(transportOf(bank), 0).then(
    (map) => map.blocks,
    () => [],
  );
  return blocks.flatMap((block) => {
    if (!Object.hasOwn(models, block.id)) return [];
    const { points } = modelTable(block.id as ModelId);
    return Object.entries(points).flatMap(([name, { type, at, size, sf, unit = '' }]): NamedPoint[] => {
      if (type === 'string' || type === 'pad' || type === 'sunssf' || at < 2) return [];
      const start = block.address + at;
      const scale = sf === undefined ? undefined : points[sf];
      const exponent = scale === undefined ? 0 : exponentAt(bank, block.address + scale.at);
      const text = (registers: Buffer): string | undefined => numberText(type, registers, exponent, unit);
      return [{ name: `${block.id}.${name}`, start, end: start + size, isInput: false, text }];
    });
  });
}

function numberText(type: NumberType, registers: Buffer, exponent: number, unit: string): string | undefined {
  const raw = decodeNumber(type, registers, 0);
  if (raw === undefined) return undefined;
  const value = exponent < 0 ? raw / 10 ** -exponent : raw * 10 ** exponent;
  return `${value} ${unit}`.trimEnd();
}

function exponentAt(bank: RegisterBank, address: number): number {
  const registers = bank.read(address, 1);
  return typeof registers === 'number' ? 0 : (decodeNumber('sunssf', registers, 0) ?? 0);
}

/** The registers that were seen, as if they were asked for. */
function transportOf(bank: RegisterBank): RegisterTransport {
  const read = async (address: number, count: number): Promise<Buffer> => {
    const registers = bank.read(address, count);
    if (typeof registers === 'number') throw exceptionError(registers, 'the recording');
    return registers;
  };
  return {
    name: 'recording',
    start: () => Promise.resolve(),
    readHolding: (_unit, address, count) => read(address, count),
    readInput: (_unit, address, count) => read(address, count),
    writeHolding: () => Promise.reject(exceptionError(1, 'the recording')),
  };
}
