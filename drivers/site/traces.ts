import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Static, Type } from '#hal/schema.ts';
import { type CheckedYaml, parseCheckedYaml } from '#hal/checked-yaml.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { localTimeOf } from './local-time.ts';
import type { TraceSource } from './site.ts';
import { parseTrace } from './trace-csv.ts';
import { parseLocalTime, type Trace, TraceReplay } from './trace-replay.ts';

const column = Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 1 })], {
  title: 'a column name, or a number from 1',
});

const traceSchema = Type.Object(
  {
    building: Type.String({ minLength: 1, title: 'a meter id' }),
    quantity: Type.Enum(['pv', 'load']),
    file: Type.String({ minLength: 1, title: 'a path, absolute or from the folder of traces.yaml' }),
    column,
    unit: Type.Enum(['W', 'kW']),
    step: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, description: 'Seconds a row' })),
    time: Type.Optional(column),
    scale: Type.Optional(Type.Number({ minimum: -1_000_000, maximum: 1_000_000 })),
    start: Type.Optional(Type.String({ title: 'a local time like "2021-07-01T00:00" or "06:00"' })),
    clampNegative: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const tracesSchema = Type.Object(
  { traces: Type.Array(traceSchema, { minItems: 1, title: 'a list of at least one trace' }) },
  { additionalProperties: false },
);
type TracesFile = Static<typeof tracesSchema>;

const codes = {
  unreadable: 'GTX-TRC-001',
  invalid: 'GTX-TRC-002',
  hint: 'Each trace maps building, quantity (pv, load), file, column and unit (W, kW), with step in seconds or the name of a time column.',
} as const;

/** So that a wrong file is refused, not read into memory: a year of seconds is 31.5 M rows and no building's trace. */
const mostBytes = 64 * 1024 * 1024;

/** The traces of a folder: who replays what. */
export class TraceSet {
  readonly #byBuilding: ReadonlyMap<string, Partial<Record<'pv' | 'load', Trace>>>;

  constructor(byBuilding: ReadonlyMap<string, Partial<Record<'pv' | 'load', Trace>>>) {
    this.#byBuilding = byBuilding;
  }

  /** The meter ids that have a trace, sorted. */
  get buildings(): readonly string[] {
    return [...this.#byBuilding.keys()].toSorted();
  }

  /** What a building replays, by the local time of its zone (see `TraceReplay`); undefined when it has no trace. */
  sourceOf(meterId: string, timeZone: string): TraceSource | undefined {
    const traces = this.#byBuilding.get(meterId);
    if (traces === undefined) return undefined;
    const local = localTimeOf(timeZone);
    const replay = (trace: Trace): ((time: number) => number) => {
      const rows = new TraceReplay(trace);
      return (time) => rows.powerW(local.localSeconds(time));
    };
    return {
      ...(traces.pv === undefined ? {} : { pvW: replay(traces.pv) }),
      ...(traces.load === undefined ? {} : { loadW: replay(traces.load) }),
    };
  }
}

/**
 * Reads `directory/traces.yaml` and the CSV files that it names.
 * @param meterIds when given, the buildings that there are: a trace for another is refused
 * @throws GridError GTX-TRC-001 (unreadable), GTX-TRC-002 (traces.yaml: line, key and what was expected) or one of
 *   `parseTrace`
 */
export async function loadTraces(directory: string, meterIds?: Iterable<string>): Promise<TraceSet> {
  const path = join(directory, 'traces.yaml');
  const checked = parseCheckedYaml(path, await readInput(path), tracesSchema, codes);
  checkRules(checked, meterIds === undefined ? undefined : new Set(meterIds));
  const byBuilding = new Map<string, Partial<Record<'pv' | 'load', Trace>>>();
  for (const { building, quantity, file, unit, scale = 1, clampNegative = false, ...rows } of checked.value.traces) {
    const csv = resolve(directory, file);
    const factor = scale * (unit === 'kW' ? 1000 : 1);
    const trace = parseTrace(csv, await readInput(csv), { ...rows, factor, clampNegative });
    byBuilding.set(building, { ...byBuilding.get(building), [quantity]: trace });
  }
  return new TraceSet(byBuilding);
}

function checkRules({ value, fault }: CheckedYaml<TracesFile>, known: ReadonlySet<string> | undefined): void {
  const seen = new Set<string>();
  for (const [i, trace] of value.traces.entries()) {
    const at = (key: string): (string | number)[] => ['traces', i, key];
    const { building, quantity, step, time, start } = trace;
    if (known !== undefined && !known.has(building)) {
      throw fault(at('building'), `expected the meterId of a board file, found ${JSON.stringify(building)}`);
    }
    if (seen.has(`${building} ${quantity}`)) {
      throw fault(at('quantity'), `expected one ${quantity} trace for ${building}, found a second`);
    }
    seen.add(`${building} ${quantity}`);
    if (step === undefined && time === undefined)
      throw fault(at('step'), 'missing, expected seconds, or a time column');
    if (start !== undefined && time !== undefined) throw fault(at('start'), 'not used beside a time column, remove it');
    if (start !== undefined && parseLocalTime(start) === undefined) {
      throw fault(at('start'), `expected a local time like "2021-07-01T00:00", found ${JSON.stringify(start)}`);
    }
  }
}

async function readInput(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > mostBytes) throw new Error(`it has ${size} bytes, more than ${mostBytes}`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new GridError('GTX-TRC-001', `${path} cannot be read: ${reasonOf(cause)}`, {
      kind: 'input',
      hint: 'Check the path and that you may read it.',
      cause,
    });
  }
}
