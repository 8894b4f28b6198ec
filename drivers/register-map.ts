import { readFileSync } from 'node:fs';
import { type Static, Type } from '#hal/schema.ts';
import { schemaFaults } from '#hal/schema-faults.ts';
import { type CheckedYaml, parseCheckedYaml } from '#hal/checked-yaml.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { maxReadRegisters } from './modbus/protocol.ts';
import { planReads, type Span } from './modbus/read-plan.ts';
import { type RegisterType, registerTypes, registersOf } from './register-codec.ts';

const closed = { additionalProperties: false } as const;

/** What a point can measure, the units it may come in, and how many thousandths, watts or watt-hours one of them is. */
export const quantities = {
  voltage: { base: 'mV', units: { V: 1000, mV: 1 }, plausible: [0, 1_000_000] },
  current: { base: 'mA', units: { A: 1000, mA: 1 }, plausible: [-10_000_000, 10_000_000] },
  power: { base: 'W', units: { W: 1, kW: 1000 }, plausible: [-10_000_000, 10_000_000] },
  apparentPower: { base: 'VA', units: { VA: 1, kVA: 1000 }, plausible: [-10_000_000, 10_000_000] },
  reactivePower: { base: 'var', units: { var: 1, kvar: 1000 }, plausible: [-10_000_000, 10_000_000] },
  powerFactor: { base: '1/1000', units: { '1': 1000 }, plausible: [-1000, 1000] },
  frequency: { base: 'mHz', units: { Hz: 1000 }, plausible: [40_000, 70_000] },
  energyImport: { base: 'Wh', units: { Wh: 1, kWh: 1000 }, plausible: [0, Number.MAX_SAFE_INTEGER] },
  energyExport: { base: 'Wh', units: { Wh: 1, kWh: 1000 }, plausible: [0, Number.MAX_SAFE_INTEGER] },
} as const satisfies Readonly<Record<string, QuantityRule>>;

interface QuantityRule {
  /** Of the integers that drivers give. */
  readonly base: string;
  /** Base units in one unit of the map. */
  readonly units: Readonly<Record<string, number>>;
  /** What a reading may be, in base units; a map may narrow it. */
  readonly plausible: readonly [least: number, greatest: number];
}
export type Quantity = keyof typeof quantities;

export const phases = ['L1', 'L2', 'L3'] as const;
export type Phase = (typeof phases)[number];

const units = [...new Set(Object.values<QuantityRule>(quantities).flatMap((rule) => Object.keys(rule.units)))];

const point = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$', title: 'a name like powerL1' }),
    at: Type.Integer({
      minimum: 0,
      maximum: 0xffff,
      description: 'Address on the wire (from 0) of its first register',
    }),
    type: Type.Enum(Object.keys(registerTypes) as RegisterType[]),
    scale: Type.Optional(
      Type.Number({
        description: 'One step of the register in `unit`: 0.1 for tenths. Negative turns the sign. 1 unless told.',
      }),
    ),
    unit: Type.Enum(units),
    quantity: Type.Enum(Object.keys(quantities) as Quantity[]),
    phase: Type.Optional(Type.Enum([...phases], { description: 'The sum or the whole device unless told' })),
    absent: Type.Optional(
      Type.Integer({ description: 'The raw value that stands for "no value", as an unsigned number of its width' }),
    ),
    range: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 2,
        maxItems: 2,
        title: 'two numbers, the least and the greatest',
        description: 'What a reading may be, in `unit`; a value outside is refused',
      }),
    ),
    help: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  closed,
);

/** The published schema of a register map (`drivers/meter/register-map.schema.json`). */
export const registerMapSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{1,39}$', title: 'a name in lower case, like sdm630' }),
    title: Type.String({ minLength: 1, maxLength: 80, title: 'the make and model, as people call it' }),
    kind: Type.Enum(['meter']),
    source: Type.String({ minLength: 1, maxLength: 200, title: 'the document that the addresses come from' }),
    function: Type.Enum(['holding', 'input'], { description: 'Read by function 3 or by function 4' }),
    wordOrder: Type.Enum(['high-first', 'low-first'], { description: 'Of values of several registers' }),
    byteOrder: Type.Optional(Type.Enum(['high-first', 'low-first'], { description: 'high-first unless told' })),
    unitId: Type.Optional(Type.Integer({ minimum: 1, maximum: 247, description: 'As delivered; 1 unless told' })),
    serial: Type.Optional(
      Type.Object(
        {
          baud: Type.Integer({ minimum: 300, maximum: 921_600, description: 'As delivered' }),
          parity: Type.Optional(Type.Enum(['none', 'even', 'odd'], { description: 'none unless told' })),
        },
        { ...closed, description: 'For devices on RS-485' },
      ),
    ),
    maxRegisters: Type.Optional(
      Type.Integer({ minimum: 1, maximum: maxReadRegisters, description: 'In one request; 125 unless told' }),
    ),
    bridge: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: maxReadRegisters,
        description:
          'Registers without a point that a request may read along; 0 unless told, for devices that refuse them',
      }),
    ),
    points: Type.Array(point, { minItems: 1, maxItems: 200 }),
  },
  {
    ...closed,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:gridtokenx:register-map:v1',
    description: 'Register map of GridTokenX: what a Modbus device measures, and where.',
  },
);

export type MapPoint = Static<typeof point>;
/** A checked register map. */
export type RegisterMap = Static<typeof registerMapSchema>;

const codes = {
  unreadable: 'GTX-MAP-001',
  invalid: 'GTX-MAP-002',
  hint: 'drivers/meter/register-map.schema.json says what a register map may hold; CONTRIBUTING.md has an example.',
} as const;

/**
 * Reads and checks a register map.
 * @throws GridError GTX-MAP-001 (cannot be read, or is no JSON) or GTX-MAP-002 (line, key and what was expected)
 */
export function loadRegisterMap(path: string): RegisterMap {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const hint = 'Check the path and that you may read it.';
    throw new GridError(codes.unreadable, `${path} cannot be read: ${reasonOf(error)}`, {
      kind: 'input',
      hint,
      cause: error,
    });
  }
  return parseRegisterMap(path, text);
}

/** Like `loadRegisterMap`, of the text of a file. JSON is YAML, so the same reader finds the lines of what is wrong. */
export function parseRegisterMap(path: string, text: string): RegisterMap {
  const checked = (): CheckedYaml<RegisterMap> => parseCheckedYaml(path, text, registerMapSchema, codes);
  // Every program that knows the drivers reads all maps: the lines are looked for only where there is a fault.
  const value = jsonOf(text) ?? checked().value;
  checkRules(value, (at, reason) => checked().fault(at, reason));
  return value;
}

/** The map that the text is, `undefined` where it is none. */
function jsonOf(text: string): RegisterMap | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return schemaFaults(registerMapSchema, value).length === 0 ? (value as RegisterMap) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The registers of a point. */
export const spanOf = ({ at, type }: MapPoint): Span => ({ start: at, end: at + registersOf(type) });

/** The requests that one reading of the whole map takes. */
export const readsOf = (map: RegisterMap): Span[] =>
  planReads(map.points.map(spanOf), { maxRegisters: map.maxRegisters ?? maxReadRegisters, bridge: map.bridge ?? 0 });

/** The point that measures a quantity, of one phase or of the whole. */
export const pointFor = (map: RegisterMap, quantity: Quantity, phase?: Phase): MapPoint | undefined =>
  map.points.find((item) => item.quantity === quantity && item.phase === phase);

/** Base units (of its quantity) in one unit of the point. */
export const baseFactor = ({ quantity, unit }: MapPoint): number =>
  (quantities[quantity] as QuantityRule).units[unit] ?? Number.NaN;

/** What a reading of the point may be, in base units. */
export function plausibleRange(item: MapPoint): readonly [least: number, greatest: number] {
  const [least, greatest] = item.range ?? [];
  if (least === undefined || greatest === undefined) return quantities[item.quantity].plausible;
  const factor = baseFactor(item);
  return [least * factor, greatest * factor];
}

/** The rules that a JSON Schema cannot state. */
function checkRules(value: RegisterMap, fault: CheckedYaml<RegisterMap>['fault']): void {
  const { points, maxRegisters = maxReadRegisters } = value;
  const names = new Map<string, number>();
  const meanings = new Map<string, string>();
  points.forEach((item, i) => {
    const { start, end } = spanOf(item);
    const at = (key: string, text: string): GridError => fault(['points', i, key], text);
    if (names.has(item.name)) throw at('name', `expected a name of its own, found ${item.name} a second time`);
    names.set(item.name, i);
    if (end > 0x10000) throw at('at', `expected a place for ${end - start} registers below 65536, found ${item.at}`);
    if (end - start > maxRegisters) throw at('type', `expected at most maxRegisters (${maxRegisters}) registers`);
    if (item.scale === 0) throw at('scale', 'expected a step other than 0');
    const known = Object.keys(quantities[item.quantity].units);
    if (!known.includes(item.unit))
      throw at('unit', `expected ${known.join(' or ')} for ${item.quantity}, found ${item.unit}`);
    const [least, greatest] = item.range ?? [0, 1];
    if (least! >= greatest!) throw at('range', 'expected the least value first, below the greatest');
    const meaning = `${item.quantity} ${item.phase ?? 'of the whole'}`;
    const other = meanings.get(meaning);
    if (other !== undefined) throw at('quantity', `expected one point for ${meaning}, found ${other} and ${item.name}`);
    meanings.set(meaning, item.name);
  });
  const placed = points.map((item, i) => ({ i, item, ...spanOf(item) })).toSorted((a, b) => a.start - b.start);
  placed.reduce((before, next) => {
    if (next.start >= before.end) return next;
    // The one further down in the file is the newcomer that a person has to move.
    const [late, early] = next.i > before.i ? [next, before] : [before, next];
    const text = `expected registers of its own, found ${late.start} to ${late.end - 1}, where ${early.item.name} has ${early.start} to ${early.end - 1}`;
    throw fault(['points', late.i, 'at'], text);
  });
  if (pointFor(value, 'power') === undefined && pointFor(value, 'power', 'L1') === undefined) {
    throw fault(['points'], 'expected a point of quantity power: a meter without it controls nothing');
  }
}
