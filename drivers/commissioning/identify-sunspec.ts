import { GridError } from '#hal/errors.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, type ModelId, scanDevice } from '../sunspec/device-map.ts';
import { type ModelView, readModel } from '../sunspec/model-view.ts';

/** What a SunSpec device can be to a board. */
export const sunSpecParts = ['inverter', 'battery', 'meter'] as const;
export type SunSpecPart = (typeof sunSpecParts)[number];

/** Who a SunSpec device says it is. */
export interface SunSpecFinding {
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly version: string;
  /** In the order of the device. */
  readonly models: readonly number[];
  readonly parts: readonly SunSpecPart[];
  /** It is limited by models 103 and 123 in place of 701 to 704. */
  readonly isLegacy: boolean;
  /** AC rating, W, and capacity, Wh, where it tells them. */
  readonly ratedW: number | undefined;
  readonly capacityWh: number | undefined;
}

/** The models that make a device each part, any of them. */
const modelsOfPart: Readonly<Record<SunSpecPart, readonly ModelId[]>> = {
  battery: [124, 713, 714, 802, 803, 804],
  inverter: [101, 102, 103, 111, 112, 113, 701],
  meter: [201, 202, 203, 204],
};

/** What a device that is none does: no marker, a broken chain, silence or refusal. */
const notSunSpec = /^GTX-(SUN-00[1-5]|MOD-(1\d\d|002|003|007))$/;

/** Who it is; `undefined` for a unit that is no SunSpec device. Errors: those of the bus that say nothing of the unit. */
export async function identifySunSpec(transport: RegisterTransport, unit: number): Promise<SunSpecFinding | undefined> {
  try {
    const map = await scanDevice(transport, unit);
    const common = await readModel(transport, unit, map.first(1));
    return { ...identityOf(common), ...(await capabilitiesOf(transport, unit, map)) };
  } catch (error) {
    if (error instanceof GridError && notSunSpec.test(error.code)) return undefined;
    throw error;
  }
}

const identityOf = (common: ModelView<1>): Pick<SunSpecFinding, 'manufacturer' | 'model' | 'serial' | 'version'> => ({
  manufacturer: common.text('Mn') ?? '',
  model: common.text('Md') ?? '',
  serial: common.text('SN') ?? '',
  version: common.text('Vr') ?? '',
});

/** Model 120 DERTyp: a plant of this kind has storage, and PV. */
const [pvType, storageType, pvStorageType] = [4, 80, 82] as const;

async function capabilitiesOf(
  transport: RegisterTransport,
  unit: number,
  map: DeviceMap,
): Promise<Omit<SunSpecFinding, 'manufacturer' | 'model' | 'serial' | 'version'>> {
  const read = async <Id extends ModelId>(id: Id): Promise<ModelView<Id> | undefined> =>
    map.find(id) === undefined ? undefined : readModel(transport, unit, map.first(id));
  const has = (ids: readonly ModelId[]): boolean => ids.some((id) => map.find(id) !== undefined);
  const nameplate = await read(120);
  const type = nameplate?.raw('DERTyp');
  const isStorage = has(modelsOfPart.battery) || type === storageType || type === pvStorageType;
  // A battery inverter has the models of an inverter too; with PV behind it, it says so or has a model of its strings.
  const hasPv = !isStorage || type === pvType || type === pvStorageType || has([160]);
  const isPart: Readonly<Record<SunSpecPart, boolean>> = {
    inverter: has(modelsOfPart.inverter) && hasPv,
    battery: isStorage,
    meter: has(modelsOfPart.meter),
  };
  return {
    models: map.blocks.map(({ id }) => id),
    parts: sunSpecParts.filter((part) => isPart[part]),
    isLegacy: has(modelsOfPart.inverter) && !has([701]),
    ratedW: (await read(702))?.integer('WMaxRtg') ?? nameplate?.integer('WRtg'),
    capacityWh:
      (await read(713))?.integer('WHRtg') ?? (await read(802))?.integer('WHRtg') ?? nameplate?.integer('WHRtg'),
  };
}
