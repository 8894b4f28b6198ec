import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { meterMaps } from './meter/maps.ts';
import { connectionPoint } from './meter/meter-drivers.ts';
import { MeterTwin } from './meter/meter-twin.ts';
import type { RegisterBank } from './modbus/server.ts';
import type { BatteryRange, BatterySpec } from './site/battery.ts';
import type { GridCondition } from './site/grid.ts';
import type { DevicePower, Site } from './site/site.ts';
import { SunSpecBatteryTwin } from './sunspec/battery-twin.ts';
import type { DeviceImage } from './sunspec/device-image.ts';
import { modelTable, type ModelId } from './sunspec/device-map.ts';
import { type InverterModels, SunSpecInverterTwin } from './sunspec/inverter-twin.ts';
import { models } from './sunspec/models.generated.ts';
import { siteStorage, siteSun } from './sunspec/site-sources.ts';
import { SunSpecMeterTwin } from './sunspec/sunspec-meter-twin.ts';

/** What a twin by name is made for. */
export interface TwinStage {
  readonly site: Site;
  readonly clock: Pick<Clock, 'now'>;
  readonly serial: string;
  readonly pvRatedW: number;
  readonly battery: BatterySpec;
}

/** A device on the wire that stands for itself: its registers, points to hold, and its part in the site's physics. */
export interface StandingTwin {
  readonly bank: RegisterBank;
  /** Shows `value`, in the unit of the device's map, whatever flows. Throws an input `GridError` for what it cannot show. */
  hold(point: string, value: number): void;
  readonly pv?: (now: UnixSeconds, availableW: number, grid: GridCondition) => DevicePower;
  readonly battery?: (now: UnixSeconds, range: BatteryRange, grid: GridCondition) => DevicePower;
}

export interface TwinKind {
  readonly name: string;
  readonly summary: string;
  /** As delivered. */
  readonly unit: number;
  /** Its serial line as delivered; 9,600 where the device has none of its own. */
  readonly baud: number;
  make(stage: TwinStage): StandingTwin;
}

const usualBaud = 9600;

const known = (id: string): id is `${ModelId}` => Object.hasOwn(models, id);

/** Holds `MODEL.POINT` of a SunSpec device. */
function holdIn(image: DeviceImage, path: string, value: number): void {
  const [model = '', ...rest] = path.split('.');
  const name = rest.join('.');
  const type = known(model) ? modelTable(Number(model) as ModelId).points[name]?.type : undefined;
  if (!known(model) || name === '' || type === 'string' || type === 'pad') {
    throw new GridError('GTX-TWN-001', `No number ${path} can be held`, {
      kind: 'input',
      hint: 'A point of a SunSpec device is named by its model: 701.W, 713.SoC, 203.TotWhImp.',
    });
  }
  try {
    image.hold(Number(model) as ModelId, name, value);
  } catch (error) {
    throw new GridError('GTX-TWN-001', `${path} cannot be held at ${value}: the device lacks it, or it does not fit`, {
      kind: 'input',
      cause: error,
      hint: 'Give the value in the point’s unit, and a point of a model that the device has.',
    });
  }
}

const holding = (image: DeviceImage) => ({
  bank: image,
  hold: (path: string, value: number) => holdIn(image, path, value),
});

const meters = meterMaps.map(
  (map): TwinKind => ({
    name: map.name,
    summary: map.title,
    unit: map.unitId ?? 1,
    baud: map.serial?.baud ?? usualBaud,
    make: ({ site, clock }) => {
      const point = connectionPoint({ site, clock });
      // A map that counts its power backwards sees the plant, not the connection point.
      const isOfPlant = map.points.every(({ quantity, scale = 1 }) => quantity === 'power' && scale < 0);
      const twin = new MeterTwin(map, isOfPlant ? { ...point, powerW: () => 0 - site.state.pvW } : point);
      return { bank: twin.bank, hold: (name, value) => twin.hold(name, value) };
    },
  }),
);

/** A device of either generation of models; those of the newer one have the heartbeats of model 715. */
type Made = Pick<TwinKind, 'name' | 'summary'> & { readonly generation: InverterModels };

const inverter = ({ generation, ...named }: Made): TwinKind => ({
  ...named,
  unit: 1,
  baud: usualBaud,
  make: ({ site, clock, serial, pvRatedW }) => {
    const source = { ...siteSun(site), ratedW: pvRatedW, serial, hasHeartbeat: true };
    const twin = new SunSpecInverterTwin(source, clock, generation);
    return { ...holding(twin.bank), pv: twin.power.bind(twin) };
  },
});

const battery = ({ generation, ...named }: Made): TwinKind => ({
  ...named,
  unit: 2,
  baud: usualBaud,
  make: ({ site, clock, serial, battery: spec }) => {
    const source = { ...siteStorage(site), ...spec, serial, hasHeartbeat: true };
    const twin = new SunSpecBatteryTwin(source, clock, generation);
    return { ...holding(twin.bank), battery: twin.power.bind(twin) };
  },
});

const sunSpec: readonly TwinKind[] = [
  inverter({
    name: 'sunspec-inverter',
    generation: 'ieee1547',
    summary: 'PV inverter, SunSpec models 1, 701 to 712 and 715',
  }),
  inverter({
    name: 'sunspec-inverter-legacy',
    generation: 'legacy',
    summary: 'PV inverter, SunSpec models 1, 103, 120 and 123',
  }),
  battery({ name: 'sunspec-battery', generation: 'ieee1547', summary: 'Battery, SunSpec models 1 and 701 to 715' }),
  battery({
    name: 'sunspec-battery-legacy',
    generation: 'legacy',
    summary: 'Battery, SunSpec models 1, 103, 120, 123, 124 and 802',
  }),
  {
    name: 'sunspec-meter',
    summary: 'Meter, SunSpec models 1 and 203, such as a Fronius Smart Meter',
    unit: 200,
    baud: usualBaud,
    make: ({ site, clock, serial }) => holding(new SunSpecMeterTwin(connectionPoint({ site, clock }), serial).bank),
  },
];

/** Every Modbus device that can be simulated on the wire, by name. */
export const twinKinds: readonly TwinKind[] = [...meters, ...sunSpec].toSorted((a, b) => (a.name < b.name ? -1 : 1));
