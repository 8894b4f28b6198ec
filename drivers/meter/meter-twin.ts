import { GridError } from '#hal/errors.ts';
import { exceptionCode, maxReadRegisters, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { encodePoint } from '../register-codec.ts';
import { baseFactor, type MapPoint, phases, type Quantity, type RegisterMap, spanOf } from '../register-map.ts';

/** What a meter's twin measures; asked when it is read. Positive is import. */
export interface MeterSource {
  /** Changes whenever one of the others does, and spares asking them while it does not. */
  revision(): number;
  /** Of all phases. */
  powerW(): number;
  reactiveVar(): number;
  importWh(): number;
  exportWh(): number;
  /** Between line and neutral. */
  voltsRms(): number;
  frequencyHz(): number;
}

/**
 * A meter on the wire, from its register map: all phases carry alike. A point may be held at a value. Registers
 * between points read as 0 where the map lets requests take them along, and are refused elsewhere.
 */
export class MeterTwin {
  readonly bank: RegisterBank;
  readonly #map: RegisterMap;
  readonly #source: MeterSource;
  readonly #phaseCount: number;
  readonly #held = new Map<MapPoint, Buffer>();
  readonly #start: number;
  /** The registers from `#start` on, as of `#revision`. */
  readonly #image: Buffer;
  /** Those that answer, 1 each. */
  readonly #answers: Uint8Array;
  #revision: number | undefined;

  constructor(map: RegisterMap, source: MeterSource) {
    this.#map = map;
    this.#source = source;
    this.#phaseCount = Math.max(1, phases.filter((phase) => map.points.some((point) => point.phase === phase)).length);
    const spans = map.points.map(spanOf);
    this.#start = Math.min(...spans.map(({ start }) => start));
    const registers = Math.max(...spans.map(({ end }) => end)) - this.#start;
    this.#image = Buffer.alloc(2 * registers);
    this.#answers = new Uint8Array(registers).fill((map.bridge ?? 0) > 0 ? 1 : 0);
    for (const { start, end } of spans) this.#answers.fill(1, start - this.#start, end - this.#start);
    const read = (address: number, count: number): Buffer | ModbusException => this.#read(address, count);
    this.bank = map.function === 'input' ? { read: refuse, readInput: read } : { read };
  }

  /**
   * Shows `value` (in the point's unit of the map) from now on, whatever flows.
   * @throws GridError GTX-MTR-004 for a point that the map lacks, GTX-MAP-004 for a value that it cannot show
   */
  hold(name: string, value: number): void {
    const point = this.#map.points.find((each) => each.name === name);
    if (point === undefined) {
      const known = this.#map.points.map((each) => each.name).join(', ');
      const hint = `It has ${known}.`;
      throw new GridError('GTX-MTR-004', `The ${this.#map.name} has no point ${name}`, { kind: 'input', hint });
    }
    this.#held.set(point, encodePoint(point, this.#map, value));
    this.#revision = undefined;
  }

  #read(address: number, count: number): Buffer | ModbusException {
    const first = address - this.#start;
    if (count > (this.#map.maxRegisters ?? maxReadRegisters)) return exceptionCode.illegalDataValue;
    if (first < 0 || first + count > this.#answers.length) return exceptionCode.illegalDataAddress;
    if (this.#answers.subarray(first, first + count).includes(0)) return exceptionCode.illegalDataAddress;
    this.#refresh();
    return this.#image.subarray(2 * first, 2 * (first + count));
  }

  #refresh(): void {
    const revision = this.#source.revision();
    if (revision === this.#revision) return;
    for (const point of this.#map.points) this.#shown(point).copy(this.#image, 2 * (point.at - this.#start));
    this.#revision = revision;
  }

  #shown(point: MapPoint): Buffer {
    return this.#held.get(point) ?? encodePoint(point, this.#map, this.#baseValue(point) / baseFactor(point));
  }

  /** In base units of the quantity: thousandths, W, Wh. */
  #baseValue({ quantity, phase }: MapPoint): number {
    return shown[quantity](this.#source, phase === undefined ? 1 : 1 / this.#phaseCount);
  }
}

const refuse = (): ModbusException => exceptionCode.illegalFunction;

const apparentVA = (source: MeterSource): number => Math.hypot(source.powerW(), source.reactiveVar());

/** What each quantity is of a share of the whole; the phases carry alike. */
const shown: Readonly<Record<Quantity, (source: MeterSource, share: number) => number>> = {
  voltage: (source) => 1000 * source.voltsRms(),
  current: (source, share) => {
    const volts = source.voltsRms();
    return volts === 0 ? 0 : (1000 * share * apparentVA(source)) / volts;
  },
  power: (source, share) => share * source.powerW(),
  apparentPower: (source, share) => share * apparentVA(source),
  reactivePower: (source, share) => share * source.reactiveVar(),
  powerFactor: (source) => {
    const apparent = apparentVA(source);
    return apparent === 0 ? 1000 : (1000 * source.powerW()) / apparent;
  },
  frequency: (source) => 1000 * source.frequencyHz(),
  energyImport: (source, share) => share * source.importWh(),
  energyExport: (source, share) => share * source.exportWh(),
};
