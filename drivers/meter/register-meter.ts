import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import type { EnergyMeter, MeterPhase, MeterReading } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { decodePoint, stepOf } from '../register-codec.ts';
import {
  baseFactor,
  type MapPoint,
  type Phase,
  phases,
  plausibleRange,
  pointFor,
  type Quantity,
  readsOf,
  type RegisterMap,
  spanOf,
} from '../register-map.ts';
import type { Span } from '../modbus/read-plan.ts';
import { EnergyGuard } from './energy-guard.ts';
import { StillnessWatch } from './stillness.ts';

interface PlacedPoint {
  readonly point: MapPoint;
  readonly read: number;
  readonly offset: number;
}

const watts = (value: number | undefined): W | undefined => (value === undefined ? undefined : W(value));

/**
 * A meter that a register map describes. What it reads is checked: range of each point, energy registers that never
 * fall nor leap (`EnergyGuard`), a device that stands still (`StillnessWatch`).
 *
 * Errors: `GTX-MTR-001` a value that cannot be · `002` a value that the meter lacks now · `003` it stands still ·
 * `GTX-MAP-003`, `GTX-MOD-…` from the bus.
 */
export class RegisterMeter implements EnergyMeter {
  readonly #map: RegisterMap;
  readonly #transport: RegisterTransport;
  readonly #unit: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #reads: readonly Span[];
  readonly #points: readonly PlacedPoint[];
  readonly #guards = new Map<MapPoint, EnergyGuard>();
  readonly #stillness = new StillnessWatch();
  readonly #phases: readonly Phase[];

  constructor(map: RegisterMap, transport: RegisterTransport, unit: number, clock: Pick<Clock, 'now'>) {
    this.#map = map;
    this.#transport = transport;
    this.#unit = unit;
    this.#clock = clock;
    this.#reads = readsOf(map);
    this.#phases = phases.filter((phase) => map.points.some((point) => point.phase === phase));
    const power = pointFor(map, 'power') ?? pointFor(map, 'power', 'L1');
    const [least, greatest] = power === undefined ? [0, 0] : plausibleRange(power);
    this.#points = map.points.map((point) => {
      if (point.quantity.startsWith('energy')) this.#guards.set(point, new EnergyGuard(Math.max(-least, greatest)));
      const { start, end } = spanOf(point);
      const read = this.#reads.findIndex((span) => span.start <= start && end <= span.end);
      return { point, read, offset: 2 * (start - this.#reads[read]!.start) };
    });
  }

  async start(): Promise<void> {
    await this.#transport.start();
    // What the energy registers say is believed when it is said twice.
    await this.read();
  }

  async read(): Promise<MeterReading> {
    const buffers = await Promise.all(
      this.#reads.map(({ start, end }) =>
        this.#map.function === 'input'
          ? this.#transport.readInput(this.#unit, start, end - start)
          : this.#transport.readHolding(this.#unit, start, end - start),
      ),
    );
    const values = new Map(this.#points.map((placed) => [placed.point, this.#valueOf(placed, buffers)]));
    const valueOf = (quantity: Quantity, phase?: Phase): number | undefined => {
      const point = pointFor(this.#map, quantity, phase);
      return point === undefined ? undefined : values.get(point);
    };
    const powerW = valueOf('power') ?? this.#sum((phase) => valueOf('power', phase));
    if (powerW === undefined) {
      throw new GridError('GTX-MTR-002', `The ${this.#name} gives no power`, {
        hint: 'Check its voltage inputs and, behind a gateway, that the meter itself is connected.',
      });
    }
    this.#checkStillness(buffers, powerW);
    const registers = this.#believed(values);
    const energyOf = (quantity: Quantity, phase?: Phase): Wh | undefined => {
      const point = pointFor(this.#map, quantity, phase);
      return point === undefined ? undefined : registers.get(point);
    };
    return {
      powerW: W(powerW),
      importWh: energyOf('energyImport'),
      exportWh: energyOf('energyExport'),
      frequencyMilliHz: valueOf('frequency'),
      phases: this.#phases.map(
        (phase): MeterPhase => ({
          voltageMilliV: valueOf('voltage', phase),
          currentMilliA: valueOf('current', phase),
          powerW: watts(valueOf('power', phase)),
          importWh: energyOf('energyImport', phase),
          exportWh: energyOf('energyExport', phase),
        }),
      ),
    };
  }

  get #name(): string {
    return `${this.#map.title} (unit ${this.#unit} on ${this.#transport.name})`;
  }

  #sum(of: (phase: Phase) => number | undefined): number | undefined {
    const terms = this.#phases.map(of);
    return terms.reduce((sum, term) => (sum === undefined || term === undefined ? undefined : sum + term), 0);
  }

  /** An integer in base units, within what is plausible. */
  #valueOf({ point, read, offset }: PlacedPoint, buffers: readonly Buffer[]): number | undefined {
    const value = decodePoint(point, this.#map, buffers[read]!, offset);
    if (value === undefined) return undefined;
    const base = Math.round(value * baseFactor(point)) + 0;
    const [least, greatest] = plausibleRange(point);
    if (base >= least && base <= greatest) return base;
    throw new GridError('GTX-MTR-001', `The ${this.#name} says ${value} ${point.unit} for ${point.name}`, {
      hint: 'Check the driver in the board file, the word order of the map, and the ratio set in the meter.',
    });
  }

  #believed(values: ReadonlyMap<MapPoint, number | undefined>): ReadonlyMap<MapPoint, Wh | undefined> {
    const now = this.#clock.now();
    return new Map(
      [...this.#guards].map(([point, guard]) => {
        const value = values.get(point);
        const wh = value === undefined ? undefined : guard.take(value, now);
        return [point, wh === undefined ? undefined : Wh(wh)];
      }),
    );
  }

  #checkStillness(buffers: readonly Buffer[], powerW: number): void {
    const energy = pointFor(this.#map, powerW >= 0 ? 'energyImport' : 'energyExport');
    if (energy === undefined) return;
    const placed = this.#points.find(({ point }) => point === energy)!;
    const shown = decodePoint(energy, this.#map, buffers[placed.read]!, placed.offset) ?? 0;
    const stepWh = stepOf(energy, shown) * baseFactor(energy);
    if (!this.#stillness.isStill(Buffer.concat(buffers), this.#clock.now(), powerW, stepWh)) return;
    throw new GridError('GTX-MTR-003', `The ${this.#name} stands still: it shows ${powerW} W but counts no energy`, {
      hint: 'Restart the meter or its gateway; have it replaced when this comes back.',
    });
  }
}
