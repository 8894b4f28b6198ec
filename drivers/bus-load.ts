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

const control = (...points: readonly string[]): Load[] => [
  { kind: 'write', spans: planReads(spanIn(704, ...points)), everySeconds: refreshSeconds },
  { kind: 'read', spans: planReads(spanIn(704, ...points)), everySeconds: refreshSeconds },
];
const inverter: readonly Load[] = [
  { kind: 'read', spans: planReads(spanIn(701, 'W', 'TotWhInj', 'W_SF', 'TotWh_SF')) },
  { kind: 'read', spans: whole(701), everySeconds: stateSeconds },
  ...control('WMaxLimPctEna', 'WMaxLimPct', 'WMaxLimPctRvrt', 'WMaxLimPctRvrtTms'),
];
const battery: readonly Load[] = [
  { kind: 'read', spans: planReads(spanIn(701, 'W', 'TotWhInj', 'TotWhAbs', 'W_SF', 'TotWh_SF')) },
  { kind: 'read', spans: whole(713) },
  { kind: 'read', spans: whole(701), everySeconds: stateSeconds },
  ...control('WSetEna', 'WSetMod', 'WSet', 'WSetRvrt', 'WSetRvrtTms'),
];
const sunSpecMeter: readonly Load[] = [{ kind: 'read', spans: planReads(spanIn(203, 'A', 'TotWh_SF')) }];

const loads: ReadonlyMap<string, readonly Load[]> = new Map([
  ...meterMaps.map((map): [string, readonly Load[]] => [map.name, [{ kind: 'read', spans: readsOf(map) }]]),
  ['sunspec-inverter', inverter],
  ['sunspec-battery', battery],
  ['sunspec-meter', sunSpecMeter],
]);

/** What a board asks of a Modbus device again and again; nothing for a driver of another wire. */
export const requestsOf = (driver: string, unit: number, sampleSeconds: number): readonly PeriodicRequest[] =>
  (loads.get(driver) ?? []).flatMap(({ kind, spans, everySeconds }) =>
    spans.map(({ start, end }) => ({
      unit,
      kind,
      registers: end - start,
      periodSeconds: Math.max(sampleSeconds, everySeconds ?? 0),
    })),
  );
