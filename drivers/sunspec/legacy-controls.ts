import { GridError } from '#hal/errors.ts';
import { W } from '#hal/units.ts';
import { type DerRatings, derOperations, type GridReading } from '../grid-support.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { DeviceMap, ModelId } from './device-map.ts';
import { legacyModes } from './legacy-modes.ts';
import { alarmsOf, whole } from './measured-values.ts';
import { PlacedModel } from './placed-model.ts';
import { absent } from './point-reader.ts';
import { type StorageRates, storageModes } from './storage-modes.ts';
import type { GridControls } from './sunspec-device.ts';

/** What both kinds of devices of this generation have: models 101 to 103 and 120, and 121 where it is there. */
interface LegacyDevice {
  readonly ratedW: number;
  readonly ratings: DerRatings;
  readonly nameplate: PlacedModel;
  /** @param immediate model 123, where it is there */
  readonly readGrid: (immediate: PlacedModel | undefined) => Promise<GridReading>;
}

async function legacyDevice(transport: RegisterTransport, unit: number, map: DeviceMap): Promise<LegacyDevice> {
  const read = (...ids: readonly ModelId[]): Promise<PlacedModel> =>
    PlacedModel.read(transport, unit, map.first(...ids));
  const [measurement, nameplate] = [await read(103, 102, 101), await read(120)];
  const settings = map.find(121) && (await read(121));
  const ratedW = whole(nameplate.value('WRtg'));
  if (ratedW === undefined) throw absent('120.WRtg');
  const maxW = whole(settings?.value('WMax')) ?? ratedW;
  if (ratedW <= 0 || maxW <= 0) {
    throw new GridError('GTX-SUN-005', `The device says that its rating is ${Math.min(ratedW, maxW)} W`, {
      hint: 'Commission it: its rating and WMax must be set.',
    });
  }
  return {
    ratedW,
    ratings: ratingsOf(maxW, nameplate, settings),
    nameplate,
    readGrid: async (immediate) => {
      await Promise.all([measurement.refresh(), immediate?.refresh()]);
      return reading(measurement, immediate);
    },
  };
}

type LegacyControls = GridControls & { readonly ratedW: number };

/** The controls of an inverter with SunSpec models 101 to 103, 120 and 123; 121 where it has it. */
export async function legacyControls(
  transport: RegisterTransport,
  unit: number,
  map: DeviceMap,
): Promise<LegacyControls> {
  const immediate = await immediateControls(transport, unit, map);
  const { ratedW, ratings, readGrid } = await legacyDevice(transport, unit, map);
  return { ratedW, modes: legacyModes(immediate, ratings), ratings, readGrid: () => readGrid(immediate) };
}

/** The controls of a battery with models 101 to 103, 120 and 124; 121, 123 and 802 where it has them. */
export async function legacyStorageControls(
  transport: RegisterTransport,
  unit: number,
  map: DeviceMap,
): Promise<LegacyControls & { readonly rates: StorageRates; readonly capacityWh: number }> {
  const storage = await PlacedModel.read(transport, unit, map.first(124));
  const immediate = map.find(123) && (await immediateControls(transport, unit, map));
  const battery = map.find(802) && (await PlacedModel.read(transport, unit, map.first(802)));
  const { ratedW, ratings, nameplate, readGrid } = await legacyDevice(transport, unit, map);
  const capacityWh = whole(battery?.value('WHRtg') ?? nameplate.value('WHRtg'));
  if (capacityWh === undefined) throw absent('802.WHRtg or 120.WHRtg');
  const chargeW = whole(storage.value('WChaMax'));
  if (chargeW === undefined || chargeW <= 0) throw absent('124.WChaMax above 0');
  // Where the device names no rate of its own for discharging, it counts both in percent of WChaMax.
  const rates = { chargeW, dischargeW: whole(nameplate.value('MaxDisChaRte')) ?? chargeW };
  return {
    ratedW,
    capacityWh,
    rates,
    modes: { ...(immediate && legacyModes(immediate, ratings)), ...storageModes(storage, rates) },
    ratings,
    readGrid: () => readGrid(immediate),
  };
}

/** Model 123, if its limit is fine enough. */
async function immediateControls(transport: RegisterTransport, unit: number, map: DeviceMap): Promise<PlacedModel> {
  const immediate = await PlacedModel.read(transport, unit, map.first(123));
  const exponent = immediate.raw('WMaxLimPct_SF');
  if (exponent === undefined || exponent > 0) {
    throw new GridError('GTX-SUN-005', `The scale factor of WMaxLimPct is ${exponent}`, {
      hint: 'The device is too coarse to be limited: update its firmware.',
    });
  }
  return immediate;
}

/** Quadrant 1 injects reactive power, quadrant 4 absorbs it; signs differ from device to device. */
function ratingsOf(maxW: number, nameplate: PlacedModel, settings: PlacedModel | undefined): DerRatings {
  const vars = (setting: string, rating: string): number =>
    Math.abs(whole(settings?.value(setting) ?? nameplate.value(rating)) ?? 0);
  return {
    maxW,
    maxVA: whole(settings?.value('VAMax') ?? nameplate.value('VARtg')) ?? maxW,
    maxVarInject: vars('VArMaxQ1', 'VArRtgQ1'),
    maxVarAbsorb: vars('VArMaxQ4', 'VArRtgQ4'),
    // 121 `VRef` does not say between which conductors.
    nominalV: undefined,
  };
}

function reading(measurement: PlacedModel, immediate: PlacedModel | undefined): GridReading {
  const activeW = measurement.value('W');
  if (activeW === undefined) throw absent(`${measurement.id}.W`);
  const state = measurement.raw('St');
  const operation = state === undefined ? undefined : derOperations[state - 1];
  return {
    powerW: W(Math.round(activeW)),
    reactiveVar: whole(measurement.value('VAr')),
    apparentVA: whole(measurement.value('VA')),
    voltageV: whole(measurement.value('PhVphA'), 1),
    voltagePercent: undefined,
    frequencyHz: whole(measurement.value('Hz'), 3),
    operation,
    isConnected: immediate?.raw('Conn') !== 0 && operation !== 'off',
    alarms: alarmsOf(measurement.raw('Evt1')),
  };
}
