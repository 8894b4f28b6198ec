import { meterMaps } from './meter/maps.ts';
import { planReads, type Span } from './modbus/read-plan.ts';
import type { PeriodicRequest } from './modbus/utilisation.ts';
import { readsOf } from './register-map.ts';
import { type ModelId, modelTable } from './sunspec/device-map.ts';

/** How often the edge writes a setpoint anew and reads it back, s: half of the shortest revert time. */
const refreshSeconds = 30;
/** State, voltage and frequency are not for every sample. */
const stateSeconds = 15;

const spanIn = (model: ModelId, ...points: readonly string[]): Span[] =>
  points.map((name) => {
    const { at, size } = modelTable(model).points[name]!;
    return { start: at, end: at + size };
  });

const whole = (model: ModelId): Span[] => [{ start: 0, end: Math.min(125, modelTable(model).size) }];

interface Load {
  readonly kind: 'read' | 'write';
  readonly spans: readonly Span[];
  /** Of every sample unless told. */
  readonly everySeconds?: number;
}

const setpoint = (model: ModelId, ...points: readonly string[]): Load[] => [
  { kind: 'write', spans: planReads(spanIn(model, ...points)), everySeconds: refreshSeconds },
  { kind: 'read', spans: planReads(spanIn(model, ...points)), everySeconds: refreshSeconds },
];
const heartbeat = (model: ModelId, device: string, controller: string): Load[] => [
  { kind: 'write', spans: spanIn(model, controller) },
  { kind: 'read', spans: planReads(spanIn(model, 'ID', device, controller)) },
];
const inverter: readonly Load[] = [
  { kind: 'read', spans: planReads(spanIn(701, 'W', 'TotWhInj', 'W_SF', 'TotWh_SF')) },
  { kind: 'read', spans: whole(701), everySeconds: stateSeconds },
  ...setpoint(704, 'WMaxLimPctEna', 'WMaxLimPct', 'WMaxLimPctRvrt', 'WMaxLimPctRvrtTms'),
];
const battery: readonly Load[] = [
  { kind: 'read', spans: planReads(spanIn(701, 'W', 'TotWhInj', 'TotWhAbs', 'W_SF', 'TotWh_SF')) },
  { kind: 'read', spans: whole(713) },
  { kind: 'read', spans: whole(701), everySeconds: stateSeconds },
  ...setpoint(704, 'WSetEna', 'WSetMod', 'WSet', 'WSetRvrt', 'WSetRvrtTms'),
];
const legacyBattery: readonly Load[] = [
  { kind: 'read', spans: planReads(spanIn(103, 'W', 'W_SF')) },
  { kind: 'read', spans: planReads(spanIn(802, 'SoC', 'SoC_SF')) },
  ...heartbeat(802, 'Hb', 'CtrlHb'),
  { kind: 'read', spans: whole(103), everySeconds: stateSeconds },
  ...setpoint(124, 'StorCtl_Mod', 'OutWRte', 'InWRte', 'InOutWRte_WinTms', 'InOutWRte_RvrtTms'),
];
const sunSpecMeter: readonly Load[] = [{ kind: 'read', spans: planReads(spanIn(203, 'A', 'TotWh_SF')) }];

const loads: ReadonlyMap<string, readonly Load[]> = new Map([
  ...meterMaps.map((map): [string, readonly Load[]] => [map.name, [{ kind: 'read', spans: readsOf(map) }]]),
  ['sunspec-inverter', inverter],
  ['sunspec-battery', battery],
  ['sunspec-battery legacy', legacyBattery],
  ['sunspec-meter', sunSpecMeter],
]);

/** What a board file says of a device, as far as its load depends on it. */
export interface LoadOf {
  readonly driver: string;
  readonly unit: number;
  /** The generation of its models, where its driver knows several. */
  readonly models?: string;
}

/** What a board asks of a Modbus device again and again; nothing for a driver of another wire. */
export const requestsOf = ({ driver, unit, models }: LoadOf, sampleSeconds: number): readonly PeriodicRequest[] =>
  (loads.get(`${driver} ${models}`) ?? loads.get(driver) ?? []).flatMap(({ kind, spans, everySeconds }) =>
    spans.map(({ start, end }) => ({
      unit,
      kind,
      registers: end - start,
      periodSeconds: Math.max(sampleSeconds, everySeconds ?? 0),
    })),
  );
