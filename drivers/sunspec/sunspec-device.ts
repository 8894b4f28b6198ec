import type { Clock } from '#hal/clock.ts';
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
import { StillnessWatch } from '../meter/stillness.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, scanDevice } from './device-map.ts';
import { type ModelView, readModel } from './model-view.ts';
import { type ModeTable, setInTable, supportOf } from './mode-table.ts';
import type { PointReader } from './point-reader.ts';
import { RemoteControl } from './remote-control.ts';

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

/** An energy register may count in so much, Wh, and ten such steps must have been missed before a device stands still. */
const coarsestStepWh = 200;

/** What all SunSpec devices have in common: they are found once, known by their nameplate, and support the grid. */
export abstract class SunSpecDevice<Plate extends Nameplate> implements GridSupport {
  protected readonly transport: RegisterTransport;
  protected readonly unit: number;
  readonly #what: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #stillness = new StillnessWatch();
  #found: StartedDevice<Plate> | undefined;

  /** @param what the kind of device, for messages */
  constructor(what: string, transport: RegisterTransport, unit: number, clock: Pick<Clock, 'now'>) {
    this.#what = what;
    this.#clock = clock;
    this.transport = transport;
    this.unit = unit;
  }

  async start(): Promise<void> {
    if (this.#found !== undefined) return;
    await this.transport.start();
    const map = await scanDevice(this.transport, this.unit);
    const found = await this.find(map, identity(await readModel(this.transport, this.unit, map.first(1))));
    const remote = await RemoteControl.find(this.transport, this.unit, map);
    this.#found = { ...found, support: supportOf(found.controls.modes), remote };
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
    const { controls, nameplate, remote } = this.device();
    await remote?.check(this.#clock.now());
    await setInTable(controls.modes, `${nameplate.model} ${nameplate.serial}`, mode, value, order);
  }

  readGrid(): Promise<GridReading> {
    return this.device().controls.readGrid();
  }

  /** Reads what the device is and what it can. */
  protected abstract find(map: DeviceMap, identity: Identity): Promise<FoundDevice<Plate>>;

  /** What `reader` reads, power first; the device is told that the board is alive. Errors: `GTX-SUN-014` it stands still. */
  protected async readSample(): Promise<readonly number[]> {
    const { reader, remote } = this.device();
    const [values] = await Promise.all([reader.read(), remote?.beat(this.#clock.now())]);
    const [powerW = 0] = values;
    if (this.#stillness.isStill(values, this.#clock.now(), powerW, coarsestStepWh)) {
      const what = `The ${this.#what} (unit ${this.unit} on ${this.transport.name}) stands still at ${powerW} W: its registers count nothing`;
      throw new GridError('GTX-SUN-014', what, {
        hint: 'Restart the device: its Modbus server still answers, but nothing stands behind it any more.',
      });
    }
    return values;
  }

  protected device(): StartedDevice<Plate> {
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

interface StartedDevice<Plate extends Nameplate> extends FoundDevice<Plate> {
  readonly support: ReadonlyMap<DerMode, ModeSupport>;
  readonly remote: RemoteControl | undefined;
}

export type Identity = Omit<Nameplate, 'ratedW'>;

/** Who the device says it is (model 1). */
const identity = (common: ModelView<1>): Identity => ({
  manufacturer: common.text('Mn') ?? '',
  model: common.text('Md') ?? '',
  serial: common.text('SN') ?? '',
});
