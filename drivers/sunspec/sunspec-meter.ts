import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import type { EnergyMeter, MeterPhase, MeterReading } from '../capabilities.ts';
import { EnergyGuard } from '../meter/energy-guard.ts';
import { StillnessWatch } from '../meter/stillness.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { scanDevice } from './device-map.ts';
import { absent, PointReader, want } from './point-reader.ts';

/** Fixed place in the list of what is read: the whole first, then by phase. */
const phases = ['A', 'B', 'C'] as const;
const wholePoints = ['W', 'TotWhImp', 'TotWhExp', 'Hz'] as const;
/** Points of a phase, by the letter that ends their name, and the decimals of the unit that are kept. */
const phasePoints = [
  ['PhVph', 3],
  ['Aph', 3],
  ['Wph', 0],
  ['TotWhImpPh', 0],
  ['TotWhExpPh', 0],
] as const;
const energy = (wh: number | undefined): Wh | undefined => (wh === undefined ? undefined : Wh(wh));

/** An energy register may count in so much, Wh. */
const coarsestStepWh = 200;
/** More than any meter of a building carries. */
const greatestW = 10_000_000;

/**
 * A meter with SunSpec models 1 and 201 to 204 (single phase, split phase, three phases with and without neutral):
 * a Fronius Smart Meter at unit 200 with "int + SF" chosen, and others. Positive is import, as the models have it.
 *
 * Errors: `GTX-SUN-001` to `005`, `GTX-MTR-001` a power that cannot be, `GTX-MOD-…` from the bus.
 */
export class SunSpecMeter implements EnergyMeter {
  readonly #transport: RegisterTransport;
  readonly #unit: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #guards = { import: new EnergyGuard(greatestW), export: new EnergyGuard(greatestW) };
  readonly #stillness = new StillnessWatch();
  #reader: PointReader | undefined;

  constructor(transport: RegisterTransport, unit: number, clock: Pick<Clock, 'now'>) {
    this.#transport = transport;
    this.#unit = unit;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    if (this.#reader !== undefined) return;
    await this.#transport.start();
    const map = await scanDevice(this.#transport, this.#unit);
    const { id } = map.first(203, 202, 201, 204);
    const wanted = [
      want(id, 'W'),
      want(id, 'TotWhImp'),
      want(id, 'TotWhExp'),
      want(id, 'Hz', 3),
      ...phases.flatMap((phase) => phasePoints.map(([name, decimals]) => want(id, `${name}${phase}`, decimals))),
    ];
    this.#reader = await PointReader.prepare(this.#transport, this.#unit, map, wanted);
    // What the energy registers say is believed when it is said twice.
    await this.read();
  }

  async read(): Promise<MeterReading> {
    const where = `unit ${this.#unit} on ${this.#transport.name}`;
    if (this.#reader === undefined) throw new GridError('GTX-SUN-009', `The meter (${where}) is not started`);
    const values = await this.#reader.readImplemented();
    const [powerW, importWh, exportWh, frequencyMilliHz] = values;
    if (powerW === undefined) throw absent('W');
    if (Math.abs(powerW) > greatestW) {
      throw new GridError('GTX-MTR-001', `The meter (${where}) says ${powerW} W`, {
        hint: 'Check the ratio set in the meter; restart it when this comes back.',
      });
    }
    const now = this.#clock.now();
    if (this.#stillness.isStill(values, now, powerW, coarsestStepWh)) {
      throw new GridError(
        'GTX-MTR-003',
        `The meter (${where}) stands still at ${powerW} W: its registers count nothing`,
        {
          hint: 'Restart the meter: its Modbus server still answers, but nothing stands behind it any more.',
        },
      );
    }
    const phaseOf = (i: number): MeterPhase => {
      const start = wholePoints.length + i * phasePoints.length;
      const [voltageMilliV, currentMilliA, watts, imported, exported] = values.slice(start, start + phasePoints.length);
      return {
        voltageMilliV,
        currentMilliA,
        powerW: watts === undefined ? undefined : W(watts),
        importWh: energy(imported),
        exportWh: energy(exported),
      };
    };
    return {
      powerW: W(powerW),
      importWh: energy(importWh === undefined ? undefined : this.#guards.import.take(importWh, now)),
      exportWh: energy(exportWh === undefined ? undefined : this.#guards.export.take(exportWh, now)),
      frequencyMilliHz,
      phases: phases
        .map((_phase, i) => phaseOf(i))
        .filter((phase) => phase.voltageMilliV !== undefined || phase.powerW !== undefined),
    };
  }
}
