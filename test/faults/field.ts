import { type UnixSeconds, W, Wh } from '#hal/units.ts';
import type { Clock } from '#hal/clock.ts';
import { EmonTwin } from '#drivers/ct/emon-twin.ts';
import { type RegisterBank, serveModbusTcp } from '#drivers/modbus/server.ts';
import { Site, type SiteState, siteStateAt } from '#drivers/site/site.ts';
import { type StandingTwin, twinKinds } from '#drivers/twins.ts';
import { Cable } from './cable.ts';

export const ratedPvW = 10_000;
export const ratedStorageW = 5_000;
export const capacityWh = 20_000;

export type Part = 'clamps' | 'inverter' | 'battery';
/** Modbus units. */
export const units: Readonly<Record<Part, number>> = { clamps: 1, inverter: 2, battery: 3 };

export interface FieldOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** W at a Unix second; what the sun offers and what the building draws. */
  readonly pvW: (time: number) => number;
  readonly loadW: (time: number) => number;
  /** 0 to 100. */
  readonly charge: number;
  readonly meter: 'emontx' | 'sdm630';
  readonly hasBattery: boolean;
}

/** One second at the connection point, W; `gridW` positive is import, the battery's positive is discharge. */
export interface Second {
  readonly time: number;
  readonly gridW: number;
  readonly pvW: number;
  readonly batteryW: number;
  readonly loadW: number;
}

const stateAt = (charge: number): SiteState => siteStateAt({ battery: { capacityWh, ratedW: ratedStorageW } }, charge);

/** A building with twins that each have a cable of their own. Its physics tell what is at the connection point. */
export class Field implements AsyncDisposable {
  readonly site: Site;
  readonly seconds: Second[] = [];
  readonly cables: { [P in Part]?: Cable } = {};
  /** The ports of the board's ends of the cables. */
  readonly ports: { [P in Part]?: number } = {};
  /** By part; the clamps' where they speak Modbus. Another one in its place is what its server shows then. */
  readonly twins: { [P in Part]?: StandingTwin } = {};
  readonly #options: FieldOptions;
  readonly #resources = new AsyncDisposableStack();
  readonly #names: { readonly [P in Part]?: string };
  #front: EmonTwin | undefined;

  constructor(options: FieldOptions) {
    const { pvW, loadW, charge, meter, hasBattery } = options;
    this.#options = options;
    this.#names = {
      inverter: 'sunspec-inverter',
      ...(hasBattery && { battery: 'sunspec-battery' }),
      ...(meter === 'sdm630' && { clamps: meter }),
    };
    this.site = new Site(
      {
        meterId: 'FIELD_001',
        building: 'residential',
        location: { latitude: 37, longitude: -122, timeZone: 'UTC' },
        pvRatedW: ratedPvW,
        peakLoadW: 10_000,
        battery: hasBattery ? { capacityWh, ratedW: ratedStorageW } : { capacityWh: 0, ratedW: 0 },
        traces: { pvW, loadW },
      },
      1,
      stateAt(charge),
    );
  }

  async start(): Promise<void> {
    const { controls } = this.site;
    for (const part of Object.keys(this.#names) as Part[]) {
      this.twins[part] = this.another(part);
      const bank = bankOf(() => this.twins[part]!.bank);
      const server = await serveModbusTcp({ port: 0, units: new Map([[units[part], bank]]) });
      this.#resources.use(server);
      await this.#lay(part, server.port);
    }
    const { inverter, battery } = this.twins;
    this.site.controls = { pv: inverter!.pv!, battery: battery?.battery ?? controls.battery.bind(controls) };
    if (this.#options.meter === 'emontx') {
      this.#front = this.#resources.use(new EmonTwin(this.#options.clock));
      await this.#front.start();
      await this.#lay('clamps', this.#front.port);
    }
  }

  /** A second twin of the same device before the same site. */
  another(part: Part): StandingTwin {
    const kind = twinKinds.find(({ name }) => name === this.#names[part]);
    if (kind === undefined) throw new RangeError(`${part} has no twin on Modbus`);
    const battery = { capacityWh, ratedW: ratedStorageW };
    const { clock } = this.#options;
    return kind.make({ site: this.site, clock, serial: `FIELD-${part}`, pvRatedW: ratedPvW, battery });
  }

  /** Lets the physics run up to `now`, and the front-end send. */
  advanceTo(now: UnixSeconds): void {
    const { site } = this;
    site.advanceTo(now);
    const { gridW, pvW, batteryW, loadW } = site.state;
    this.seconds.push({ time: now, gridW, pvW, batteryW, loadW });
    this.#front?.emit({
      voltsRms: site.voltsRms(now),
      channels: [
        { powerW: W(gridW), energyWh: site.netGridWh },
        { powerW: W(loadW), energyWh: Wh(site.consumptionWh) },
      ],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #lay(part: Part, farPort: number): Promise<void> {
    const cable = this.#resources.use(new Cable(farPort));
    this.ports[part] = await cable.start();
    this.cables[part] = cable;
  }
}

/** The bank of now. */
const bankOf = (bank: () => RegisterBank): RegisterBank => ({
  read: (address, count) => bank().read(address, count),
  readInput: (address, count) => {
    const now = bank();
    return now.readInput === undefined ? now.read(address, count) : now.readInput(address, count);
  },
  write: (address, registers) => bank().write?.(address, registers),
});
