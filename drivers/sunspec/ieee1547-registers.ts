import type { Clock } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { DerOperation } from '../grid-support.ts';
import type { DerSettings } from './der-settings.ts';
import { DeviceImage, type ImageModel } from './device-image.ts';
import type { ModelId } from './device-map.ts';
import {
  curvePoints,
  curveSets,
  describeControls,
  describeCurves,
  type DeviceDescription,
  describeDevice,
  describeDroop,
  describeEnterService,
  describeTrips,
} from './ieee1547-description.ts';
import { curveSettings, enterServiceSettings, setpointSettings, tripSettings } from './ieee1547-settings.ts';
import { adopt, adoptions, isAccepted, revertingControls } from './ieee1547-writes.ts';
import { models } from './models.generated.ts';
import { nominalVolts } from './nominal-grid.ts';
import { RevertTimers } from './revert-timers.ts';
import type { Measured, TwinRegisters } from './twin-registers.ts';
import { twinState } from './twin-state.ts';

const sets = { NPt: curvePoints, NCrv: curveSets };
const tripSets = { NPt: curvePoints, NCrvSet: curveSets };

/** The models 703 and 705 to 712, which follow 701, 702 and 704. */
export const gridModels: readonly ImageModel[] = [
  { id: 703 },
  { id: 705, counts: sets },
  { id: 706, counts: sets },
  { id: 707, counts: tripSets },
  { id: 708, counts: tripSets },
  { id: 709, counts: tripSets },
  { id: 710, counts: tripSets },
  { id: 711, counts: { NCtl: curveSets } },
  { id: 712, counts: sets },
];

export interface Ieee1547Device extends DeviceDescription {
  /** What it is when nothing flows while it could. */
  readonly idle: DerOperation;
  /** Models between 704 and 703, and what keeps them up to date. */
  readonly ownModels: readonly ImageModel[];
  /** Model 715. */
  readonly hasHeartbeat: boolean;
  readonly beforeRead: () => void;
}

/** Which part of the settings a model holds. */
const partOf: Readonly<Partial<Record<ModelId, 'setpoint' | 'enterService' | 'curve' | 'trip'>>> = {
  702: 'setpoint',
  703: 'enterService',
  704: 'setpoint',
  705: 'curve',
  706: 'curve',
  707: 'trip',
  708: 'trip',
  709: 'trip',
  710: 'trip',
  711: 'curve',
  712: 'curve',
};

const electrical = ['W', 'Var', 'VA', 'PF', 'A', 'LLV', 'LNV', 'Hz', 'TotWhInj', 'TotWhAbs'] as const;
const states = ['St', 'InvSt', 'ConnSt', 'Alrm'] as const;

/** Writers of what moves in models 701 and 703; the scale factors are those of `describeDevice`. */
type Meters = Readonly<Record<(typeof electrical | typeof states)[number] | 'ESDlyRemTms', (value: number) => void>>;

function metersOf(image: DeviceImage): Meters {
  const meters = Object.fromEntries([...electrical, ...states].map((point) => [point, image.writer(701, point)]));
  return { ...meters, ESDlyRemTms: image.writer(703, 'ESDlyRemTms') } as Meters;
}

/** Everything but the nameplate, and what it says. */
interface Factory {
  readonly registers: Buffer;
  readonly settings: Omit<DerSettings, keyof ReturnType<typeof setpointSettings>>;
}

/** Hundreds of points are the same in all twins of a kind: described once, then copied. */
const factories = new Map<string, Factory>();

function factoryOf(image: DeviceImage, { chargeW, ownModels }: Ieee1547Device): Factory {
  const isStorage = chargeW > 0;
  const kind = JSON.stringify([isStorage, ownModels, image.has(715)]);
  const known = factories.get(kind);
  if (known !== undefined) return known;
  describeControls(image);
  describeEnterService(image);
  describeCurves(image);
  describeTrips(image);
  describeDroop(image, isStorage ? -100 : 0);
  if (image.has(715)) image.set(715, { LocRemCtl: models[715].points.LocRemCtl.symbols.REMOTE, ControllerHb: 0 });
  const settings = {
    isConnected: true,
    ...enterServiceSettings(image),
    ...curveSettings(image),
    trips: tripSettings(image),
  };
  const factory = { registers: image.save(), settings };
  factories.set(kind, factory);
  return factory;
}

/** The registers of a DER of IEEE 1547-2018: SunSpec models 1 and 701 to 712 from 40000. */
export class Ieee1547Registers implements TwinRegisters {
  readonly image: DeviceImage;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #idle: DerOperation;
  readonly #timers: RevertTimers;
  #settings: DerSettings;
  readonly #meters: Meters;

  constructor(device: Ieee1547Device, clock: Pick<Clock, 'now'>) {
    const { ratedW, hasHeartbeat } = device;
    const ownModels = hasHeartbeat ? [...device.ownModels, { id: 715 as const }] : device.ownModels;
    this.#clock = clock;
    this.#idle = device.idle;
    const greatest = new Map<string, readonly [number, number]>();
    const image = new DeviceImage([{ id: 1 }, { id: 701 }, { id: 702 }, { id: 704 }, ...ownModels, ...gridModels], {
      beforeRead: device.beforeRead,
      accepts: (name, raw) => isAccepted(name, raw, greatest),
      afterWrite: (names) => this.#onWrite(names),
    });
    this.image = image;
    this.#timers = new RevertTimers(image, revertingControls);
    const factory = factoryOf(image, device);
    image.restore(factory.registers);
    describeDevice(image, device);
    const raw = (point: string): number => image.point(702, point).get()!;
    for (const point of ['WMax', 'VAMax']) greatest.set(`702.${point}`, [1, raw(point)]);
    for (const point of ['VarMaxInj', 'VarMaxAbs']) greatest.set(`702.${point}`, [0, raw(point)]);
    for (const point of ['WSet', 'WSetRvrt']) greatest.set(`704.${point}`, [-ratedW, ratedW]);
    const maxVar = image.value(702, 'VarMaxInjRtg');
    for (const point of ['VarSet', 'VarSetRvrt']) greatest.set(`704.${point}`, [-maxVar, maxVar]);
    this.#settings = { ...factory.settings, ...setpointSettings(image) };
    this.#meters = metersOf(image);
  }

  get settings(): DerSettings {
    return this.#settings;
  }

  runTimers(now: UnixSeconds): void {
    const reverted = this.#timers.run(now);
    if (reverted.length > 0) this.#take(reverted);
  }

  show({ activeW, injectedWh, absorbedWh, functions }: Measured, now: UnixSeconds): void {
    const { power, connection, grid } = functions;
    this.#timers.show(now);
    if (this.image.has(715)) this.image.set(715, { DERHb: now });
    const { operation, isConnected, alarms } = twinState(functions, activeW, this.#idle);
    const { reactiveVar } = power;
    const apparentVA = Math.hypot(activeW, reactiveVar);
    const volts = grid.voltagePercent / 100;
    const lineV = nominalVolts.lineToNeutral * volts;
    const meters = this.#meters;
    meters.W(activeW);
    meters.Var(reactiveVar);
    meters.VA(apparentVA);
    meters.PF(apparentVA === 0 ? 1 : activeW / apparentVA);
    meters.A(lineV === 0 ? 0 : apparentVA / lineV);
    meters.LLV(nominalVolts.lineToLine * volts);
    meters.LNV(lineV);
    meters.Hz(grid.frequencyHz);
    meters.St(connection.at === 'out' ? 0 : 1);
    meters.InvSt(operation);
    meters.ConnSt(isConnected ? 1 : 0);
    meters.Alrm(alarms);
    meters.TotWhInj(injectedWh);
    meters.TotWhAbs(absorbedWh);
    meters.ESDlyRemTms(connection.at === 'waiting' ? connection.remainingSeconds : 0);
  }

  #onWrite(names: readonly string[]): void {
    const { image } = this;
    for (const adoption of adoptions) {
      const { model, request, requestName } = adoption;
      if (names.includes(requestName)) adopt(image, adoption, image.value(model, request));
    }
    this.#timers.onWrite(names, this.#clock.now());
    this.#take(names.map((name) => Number(name.slice(0, name.indexOf('.'))) as ModelId));
  }

  /** Reads anew what the changed models hold; a trip function goes on counting while its curves are the same. */
  #take(changed: readonly ModelId[]): void {
    const parts = new Set(changed.map((model) => partOf[model]));
    const { image } = this;
    let settings = this.#settings;
    if (parts.has('setpoint')) settings = { ...settings, ...setpointSettings(image) };
    if (parts.has('enterService')) settings = { ...settings, ...enterServiceSettings(image) };
    if (parts.has('curve')) settings = { ...settings, ...curveSettings(image) };
    if (parts.has('trip')) settings = { ...settings, trips: tripSettings(image) };
    this.#settings = settings;
  }
}
