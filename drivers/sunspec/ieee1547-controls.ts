import { W } from '#hal/units.ts';
import { type DerRatings, derOperations, type GridReading } from '../grid-support.ts';
import { maxReadRegisters } from '../modbus/protocol.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { curveModes } from './curve-modes.ts';
import type { DeviceMap, ModelId } from './device-map.ts';
import { alarmsOf, whole } from './measured-values.ts';
import { models } from './models.generated.ts';
import { PlacedModel } from './placed-model.ts';
import { absent } from './point-reader.ts';
import { setpointModes } from './setpoint-modes.ts';
import type { GridControls } from './sunspec-device.ts';
import { tripModes } from './trip-modes.ts';

/** Each optional: a device has the modes of the models that it has. */
const gridModelIds = [703, 705, 706, 707, 708, 709, 710, 711, 712] as const satisfies readonly ModelId[];

/** The controls of a device with SunSpec models 701, 702 and 704; 703 and 705 to 712 where it has them. */
export async function ieee1547Controls(
  transport: RegisterTransport,
  unit: number,
  map: DeviceMap,
): Promise<GridControls> {
  const read = (id: ModelId): Promise<PlacedModel> => PlacedModel.read(transport, unit, map.first(id));
  const [measurement, capacity, setpoints] = [await read(701), await read(702), await read(704)];
  const found = new Map<number, PlacedModel>();
  for (const id of gridModelIds) if (map.find(id) !== undefined) found.set(id, await read(id));
  const ratings = ratingsOf(capacity);
  return {
    modes: { ...setpointModes(setpoints, found.get(703), ratings), ...curveModes(found), ...tripModes(found) },
    ratings,
    readGrid: async () => {
      // The texts at the end of model 701 are not needed.
      await measurement.refresh(maxReadRegisters);
      return reading(measurement, ratings);
    },
  };
}

/** Settings hold where the device has them, else what it is rated for. */
function ratingsOf(capacity: PlacedModel): DerRatings {
  const integer = (setting: string, rating: string): number | undefined => {
    const value = capacity.value(setting) ?? capacity.value(rating);
    return value === undefined ? undefined : Math.round(value);
  };
  const maxW = integer('WMax', 'WMaxRtg');
  if (maxW === undefined) throw absent('702.WMaxRtg');
  return {
    maxW,
    maxVA: integer('VAMax', 'VAMaxRtg') ?? maxW,
    maxVarInject: integer('VarMaxInj', 'VarMaxInjRtg') ?? 0,
    maxVarAbsorb: integer('VarMaxAbs', 'VarMaxAbsRtg') ?? 0,
    nominalV: capacity.value('VNom') ?? capacity.value('VNomRtg'),
  };
}

const { SINGLE_PHASE } = models[701].points.ACType.symbols;

function reading(measurement: PlacedModel, { nominalV }: DerRatings): GridReading {
  const isSinglePhase = measurement.raw('ACType') === SINGLE_PHASE;
  const reference = measurement.value(isSinglePhase ? 'LNV' : 'LLV');
  const state = measurement.raw('InvSt');
  const connection = measurement.raw('ConnSt');
  const activeW = measurement.value('W');
  if (activeW === undefined) throw absent('701.W');
  return {
    powerW: W(Math.round(activeW)),
    reactiveVar: whole(measurement.value('Var')),
    apparentVA: whole(measurement.value('VA')),
    voltageV: whole(measurement.value('LNV'), 1),
    voltagePercent:
      reference === undefined || nominalV === undefined ? undefined : whole((100 * reference) / nominalV, 2),
    frequencyHz: whole(measurement.value('Hz'), 3),
    operation: state === undefined ? undefined : derOperations[state],
    isConnected: connection === undefined ? undefined : connection === 1,
    alarms: alarmsOf(measurement.raw('Alrm')),
  };
}
