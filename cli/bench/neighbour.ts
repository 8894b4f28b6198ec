import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { EnergyMeter, MeterReading } from '#drivers/capabilities.ts';
import { meterMap } from '#drivers/meter/maps.ts';
import { connectionPoint } from '#drivers/meter/meter-drivers.ts';
import { MeterTwin } from '#drivers/meter/meter-twin.ts';
import { RegisterMeter } from '#drivers/meter/register-meter.ts';
import type { RegisterBank } from '#drivers/modbus/server.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import { Site } from '#drivers/site/site.ts';
import { SunSpecMeter } from '#drivers/sunspec/sunspec-meter.ts';
import { SunSpecMeterTwin } from '#drivers/sunspec/sunspec-meter-twin.ts';
import { type Neighbour, sunSpecMeter } from './plan-schema.ts';
import type { Measured } from './quantities.ts';

const nowhere = { latitude: 0, longitude: 0, timeZone: 'UTC' } as const;
const noBattery = { capacityWh: 0, ratedW: 0 } as const;

export interface NeighbourOptions extends Neighbour {
  readonly clock: Pick<Clock, 'now'>;
  /** It is emulated, as the clamps are. */
  readonly isTwin: boolean;
}

/** A meter on the board's line that is none of the board's: its twin with a load of its own, and its driver. */
export class NeighbourMeter {
  readonly name: string;
  readonly unit: number;
  readonly bank: RegisterBank;
  readonly #options: NeighbourOptions;
  readonly #site: Site;
  #meter: EnergyMeter | undefined;
  #isStarted = false;
  #first: MeterReading | undefined;
  #newest: MeterReading | undefined;

  constructor(options: NeighbourOptions) {
    const { name, unit, loadW, driver, clock } = options;
    this.#options = options;
    this.name = name;
    this.unit = unit;
    this.#site = new Site(
      {
        meterId: name,
        building: 'residential',
        location: nowhere,
        pvRatedW: 0,
        peakLoadW: 0,
        battery: noBattery,
        traces: { loadW: () => loadW },
      },
      1,
    );
    const source = connectionPoint({ clock, site: this.#site });
    this.bank =
      driver === sunSpecMeter ? new SunSpecMeterTwin(source, name).bank : new MeterTwin(meterMap(driver), source).bank;
  }

  connect(bus: RegisterTransport): void {
    const { driver, unit, clock } = this.#options;
    this.#meter =
      driver === sunSpecMeter
        ? new SunSpecMeter(bus, unit, clock)
        : new RegisterMeter(meterMap(driver), bus, unit, clock);
  }

  advanceTo(now: UnixSeconds): void {
    this.#site.advanceTo(now);
  }

  async read(): Promise<void> {
    try {
      if (!this.#isStarted) await this.#meter?.start();
      this.#isStarted = true;
      this.#newest = await this.#meter?.read();
      this.#first ??= this.#newest;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#newest = undefined;
    }
  }

  /** By its driver. */
  get measured(): Measured {
    const reading = this.#newest;
    if (reading === undefined) return {};
    const [phase] = reading.phases;
    return {
      gridPower: reading.powerW,
      voltage: phase?.voltageMilliV === undefined ? undefined : phase.voltageMilliV / 1000,
      gridImport: reading.importWh === undefined ? undefined : reading.importWh - (this.#first?.importWh ?? 0),
      gridExport: reading.exportWh === undefined ? undefined : reading.exportWh - (this.#first?.exportWh ?? 0),
    };
  }

  /** What flows through it. */
  get known(): Measured {
    if (!this.#options.isTwin) return {};
    const { gridW, importJ, exportJ } = this.#site.state;
    return { gridPower: gridW, gridImport: importJ / 3600, gridExport: exportJ / 3600 };
  }
}
