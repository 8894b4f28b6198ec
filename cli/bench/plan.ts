import { type CheckedYaml, parseCheckedYaml } from '#hal/checked-yaml.ts';
import type { GridError } from '#hal/errors.ts';
import { type Plan, planSchema, type Step, type WrittenExpectation } from './plan-schema.ts';
import { baseUnit, unitFactor, unitNames } from './quantities.ts';

const codes = {
  unreadable: 'GTX-BEN-001',
  invalid: 'GTX-BEN-002',
  hint: 'boards/bench/plan.schema.json says what a plan may hold; boards/bench has examples.',
} as const;

/**
 * Checks the text of a plan.
 * @throws GridError GTX-BEN-001 (not YAML), GTX-BEN-002 (line, key and what was expected)
 */
export function parsePlan(file: string, text: string): CheckedYaml<Plan> {
  const checked = parseCheckedYaml(file, text, planSchema, codes);
  checkRules(checked);
  return checked;
}

export type Fault = CheckedYaml<Plan>['fault'];
type Path = Parameters<Fault>[0];

function checkRules({ value, fault }: CheckedYaml<Plan>): void {
  const { neighbours = [], matrix = [], steps, line } = value;
  checkNames(neighbours, 'neighbours', fault);
  checkNames(matrix, 'matrix', fault);
  neighbours.forEach(({ name }, i) => {
    if ((parts as readonly string[]).includes(name))
      throw fault(['neighbours', i, 'name'], `expected another name than ${name}, which is a part of the board`);
  });
  const known = new Set([...parts, ...neighbours.map(({ name }) => name)]);
  steps.forEach((each, i) => {
    const at = (...path: Path): Path => ['steps', i, ...path];
    for (const key of ['pull', 'restore'] as const) {
      const named: unknown = Reflect.get(each, key);
      if (typeof named === 'string' && !known.has(named)) {
        throw fault(at(key), `expected one of ${[...known].join(', ')}, found ${JSON.stringify(named)}`);
      }
    }
    if ('storm' in each && line?.faults === undefined)
      throw fault(at('storm'), 'there are no faults: expected line: { baud, faults }');
    if ('expect' in each)
      checkExpectation(
        each.expect,
        (key, text) => fault(at('expect', key), text),
        new Set(neighbours.map(({ name }) => name)),
      );
  });
}

/** The devices of a board whose cable can be pulled. */
const deviceParts = ['clamps', 'inverter', 'battery'] as const;
export type DevicePart = (typeof deviceParts)[number];
export const isDevice = (name: string): name is DevicePart => (deviceParts as readonly string[]).includes(name);
/** What can be pulled, beside neighbours. */
const parts = [...deviceParts, 'board', 'server'] as const;

function checkNames(list: readonly { readonly name: string }[], key: string, fault: Fault): void {
  const seen = new Set<string>();
  list.forEach(({ name }, i) => {
    if (seen.has(name)) throw fault([key, i, 'name'], `expected a name of its own, found ${name} a second time`);
    seen.add(name);
  });
}

/** Each neighbour has a meter, and nothing else. */
const ofMeters: ReadonlySet<string> = new Set(['gridPower', 'gridImport', 'gridExport', 'voltage']);

function checkExpectation(
  { quantity, is, atLeast, atMost, unit = baseUnit(quantity), of }: WrittenExpectation,
  fault: (key: string, text: string) => GridError,
  neighbours: ReadonlySet<string>,
): void {
  const isRange = atLeast !== undefined || atMost !== undefined;
  if ((is !== undefined) === isRange) throw fault('is', 'expected either is, or atLeast, atMost or both');
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost)
    throw fault('atLeast', 'expected no more than atMost');
  if (unitFactor(quantity, unit) === undefined) {
    throw fault(
      'unit',
      `expected ${unitNames.filter((name) => unitFactor(quantity, name) !== undefined).join(' or ')} for ${quantity}, found ${unit}`,
    );
  }
  if (of === undefined) return;
  if (of !== 'all' && !neighbours.has(of))
    throw fault('of', `expected all or one of the neighbours, found ${JSON.stringify(of)}`);
  if (!ofMeters.has(quantity)) throw fault('of', `a neighbour measures ${[...ofMeters].join(', ')}, not ${quantity}`);
}

/** The steps of a plan with its values, and those of a row of its matrix, in place of their names. */
export function stepsWith({ steps, values: own }: Plan, fault: Fault, ofRow: Plan['values'] = {}): readonly Step[] {
  const known = { ...own, ...ofRow };
  return steps.map((written, i) => {
    if (!('expect' in written)) return written;
    const { tolerance, ...rest } = written.expect;
    if (tolerance === undefined) return { ...written, expect: rest };
    const value = typeof tolerance === 'number' ? tolerance : known[tolerance.slice(1)];
    if (value !== undefined) return { ...written, expect: { ...rest, tolerance: value } };
    const names = Object.keys(known);
    const found = names.length === 0 ? 'the plan has none' : `they are ${names.join(', ')}`;
    throw fault(['steps', i, 'expect', 'tolerance'], `there is no value ${tolerance}; ${found}`);
  });
}
