import { W } from '#hal/units.ts';
import { GridError } from '#hal/errors.ts';
import type {
  DerMode,
  DerModes,
  DerOrder,
  DerRatings,
  GridReading,
  GridSupport,
  ModeSupport,
} from '../grid-support.ts';
import type { Nameplate } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, scanDevice } from './device-map.ts';
import { type ModelView, readModel } from './model-view.ts';
import { type ModeTable, setInTable, supportOf } from './mode-table.ts';
import type { PointReader } from './point-reader.ts';

/** A device that was found, and what it is driven by. */
export interface FoundDevice<Plate extends Nameplate> {
  /** What one sample takes. */
  readonly reader: PointReader;
  readonly nameplate: Plate;
  readonly controls: GridControls;
}

/** The controls of one generation of models. */
export interface GridControls {
  readonly modes: ModeTable;
  readonly ratings: DerRatings;
  readonly readGrid: () => Promise<GridReading>;
}

/** What all SunSpec devices have in common: they are found once, known by their nameplate, and support the grid. */
export abstract class SunSpecDevice<Plate extends Nameplate> implements GridSupport {
  protected readonly transport: RegisterTransport;
  protected readonly unit: number;
  readonly #what: string;
  #found: (FoundDevice<Plate> & { readonly support: ReadonlyMap<DerMode, ModeSupport> }) | undefined;

  /** @param what the kind of device, for messages */
  constructor(what: string, transport: RegisterTransport, unit: number) {
    this.#what = what;
    this.transport = transport;
    this.unit = unit;
  }

  async start(): Promise<void> {
    if (this.#found !== undefined) return;
    await this.transport.start();
    const map = await scanDevice(this.transport, this.unit);
    const found = await this.find(map, identity(await readModel(this.transport, this.unit, map.first(1))));
    this.#found = { ...found, support: supportOf(found.controls.modes) };
  }

  nameplate(): Plate {
    return this.device().nameplate;
  }

  modes(): ReadonlyMap<DerMode, ModeSupport> {
    return this.device().support;
  }

  ratings(): DerRatings {
    return this.device().controls.ratings;
  }

  async setMode<Mode extends DerMode>(mode: Mode, value: DerModes[Mode] | null, order: DerOrder<Mode>): Promise<void> {
    const { controls, nameplate } = this.device();
    await setInTable(controls.modes, `${nameplate.model} ${nameplate.serial}`, mode, value, order);
  }

  readGrid(): Promise<GridReading> {
    return this.device().controls.readGrid();
  }

  /** Reads what the device is and what it can. */
  protected abstract find(map: DeviceMap, identity: Identity): Promise<FoundDevice<Plate>>;

  protected device(): FoundDevice<Plate> & { readonly support: ReadonlyMap<DerMode, ModeSupport> } {
    if (this.#found !== undefined) return this.#found;
    const where = `unit ${this.unit} on ${this.transport.name}`;
    throw new GridError('GTX-SUN-009', `The ${this.#what} (${where}) is not started`);
  }

  /** Power as read. Errors: `GTX-SUN-005` above twice the rating: a wrong scale factor or a damaged register. */
  protected plausiblePower(powerW: number): W {
    const { ratedW, model, serial } = this.nameplate();
    if (Math.abs(powerW) <= 2 * ratedW) return W(powerW);
    throw new GridError('GTX-SUN-005', `${model} ${serial} of ${ratedW} W says that it runs at ${powerW} W`, {
      hint: 'Check the rating in the settings of the device; restart it when this comes back.',
    });
  }
}

export type Identity = Omit<Nameplate, 'ratedW'>;

/** Who the device says it is (model 1). */
const identity = (common: ModelView<1>): Identity => ({
  manufacturer: common.text('Mn') ?? '',
  model: common.text('Md') ?? '',
  serial: common.text('SN') ?? '',
});
