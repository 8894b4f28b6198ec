import { GridError } from '#hal/errors.ts';
import { W } from '#hal/units.ts';
import { type DerRatings, derOperations, type GridReading } from '../grid-support.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { DeviceMap, ModelId } from './device-map.ts';
import { legacyModes } from './legacy-modes.ts';
import { alarmsOf, whole } from './measured-values.ts';
import { PlacedModel } from './placed-model.ts';
import { absent } from './point-reader.ts';
import type { GridControls } from './sunspec-device.ts';

/** The controls of a device with SunSpec models 101 to 103, 120 and 123; 121 where it has it. */
export async function legacyControls(
  transport: RegisterTransport,
  unit: number,
  map: DeviceMap,
): Promise<GridControls & { readonly ratedW: number }> {
  const read = (...ids: readonly ModelId[]): Promise<PlacedModel> =>
    PlacedModel.read(transport, unit, map.first(...ids));
  const [measurement, nameplate, immediate] = [await read(103, 102, 101), await read(120), await read(123)];
  const settings = map.find(121) && (await read(121));
  const ratedW = whole(nameplate.value('WRtg'));
  if (ratedW === undefined) throw absent('120.WRtg');
  const maxW = whole(settings?.value('WMax')) ?? ratedW;
  if (ratedW <= 0 || maxW <= 0) {
    throw new GridError('GTX-SUN-005', `The inverter says that its rating is ${Math.min(ratedW, maxW)} W`, {
      hint: 'Commission the inverter: its rating and WMax must be set.',
    });
  }
  const exponent = immediate.raw('WMaxLimPct_SF');
  if (exponent === undefined || exponent > 0) {
    throw new GridError('GTX-SUN-005', `The scale factor of WMaxLimPct is ${exponent}`, {
      hint: 'The device is too coarse to be limited: update its firmware.',
    });
  }
  const ratings = ratingsOf(maxW, nameplate, settings);
  return {
    ratedW,
    modes: legacyModes(immediate, ratings),
    ratings,
    readGrid: async () => {
      await Promise.all([measurement.refresh(), immediate.refresh()]);
      return reading(measurement, immediate);
    },
  };
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

function reading(measurement: PlacedModel, immediate: PlacedModel): GridReading {
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
    isConnected: immediate.raw('Conn') !== 0 && operation !== 'off',
    alarms: alarmsOf(measurement.raw('Evt1')),
  };
}
