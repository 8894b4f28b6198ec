import type { Second } from './bench-site.ts';
import type { Expectation } from './plan-schema.ts';
import { baseUnit, type Measured, quantities, shown, unitFactor } from './quantities.ts';

/** What one second says of an expectation. `unknown`: nothing there knows what truly flows. */
export type Verdict =
  | { readonly is: 'held' | 'broken'; readonly measured: string; readonly value: number }
  | { readonly is: 'silent' }
  | { readonly is: 'unknown' };

/** Whether an expectation holds in a second; of several neighbours the worst counts. */
export function judge(expectation: Expectation, second: Second): Verdict {
  const verdicts = sourcesOf(expectation, second).map((source) => judgeOne(expectation, source));
  for (const is of ['unknown', 'silent', 'broken'] as const) {
    const found = verdicts.find((verdict) => verdict.is === is);
    if (found !== undefined) return found;
  }
  return verdicts[0] ?? { is: 'unknown' };
}

interface Source {
  readonly name: string;
  readonly measured: Measured;
  readonly known: Measured;
}

function sourcesOf({ of, by }: Expectation, { read, actual, known, neighbours }: Second): readonly Source[] {
  if (of === undefined) return [{ name: '', measured: by === 'twin' ? actual : read, known }];
  return [...neighbours]
    .filter(([name]) => of === 'all' || of === name)
    .map(([name, each]) => ({ name: `${name} `, measured: each.read, known: each.known }));
}

function judgeOne(expectation: Expectation, { name, measured, known }: Source): Verdict {
  const { quantity, is, atLeast, atMost, unit = baseUnit(quantity), tolerance = 0, percent = 0 } = expectation;
  const factor = unitFactor(quantity, unit) ?? 1;
  const value = measured[quantity];
  const truth = known[quantity];
  if (is === 'actual' && truth === undefined) return { is: 'unknown' };
  if (value === undefined) return { is: 'silent' };
  const wanted = is === 'actual' ? truth : is === undefined ? undefined : is * factor;
  const slack = (bound: number): number => Math.max(tolerance * factor, (Math.abs(bound) * percent) / 100) + rounding;
  const isHeld =
    (wanted === undefined || Math.abs(value - wanted) <= slack(wanted)) &&
    (atLeast === undefined || value >= atLeast * factor - slack(atLeast * factor)) &&
    (atMost === undefined || value <= atMost * factor + slack(atMost * factor));
  const actually = is === 'actual' && truth !== undefined ? ` of ${shown(quantity, truth, unit)}` : '';
  return { is: isHeld ? 'held' : 'broken', value, measured: `${name}${shown(quantity, value, unit)}${actually}` };
}

/** What arithmetic in fractions may lose. */
const rounding = 1e-9;

/** A neighbour's meter is somewhere else. */
const connection = ' at the connection point';

/** What is expected, in a line: `power at the connection point to be 3,000 W ± 1 %`. */
export function expectationText(expectation: Expectation): string {
  const { quantity, is, atLeast, atMost, unit = baseUnit(quantity), tolerance, percent, by, of } = expectation;
  const factor = unitFactor(quantity, unit) ?? 1;
  const say = (value: number): string => shown(quantity, value * factor, unit);
  const slackOf = [
    ...(tolerance === undefined ? [] : [say(tolerance)]),
    ...(percent === undefined ? [] : [`${percent} %`]),
  ];
  const name = of === undefined ? quantities[quantity].name : quantities[quantity].name.replace(connection, '');
  const whose = of === undefined ? '' : of === 'all' ? ' of each neighbour' : ` of ${of}`;
  const what = [
    `${name}${whose}${by === 'twin' ? ', as it flows,' : ''} to be`,
    ...(is === 'actual' ? ['what truly flows'] : is === undefined ? [] : [say(is)]),
    ...(atLeast === undefined ? [] : [`at least ${say(atLeast)}`]),
    ...(atLeast !== undefined && atMost !== undefined ? ['and'] : []),
    ...(atMost === undefined ? [] : [`at most ${say(atMost)}`]),
    ...(slackOf.length === 0 ? [] : [`± ${slackOf.join(' or ')}`]),
  ];
  return what.join(' ');
}

/** The values that were measured, in a line: `-2,000 to -1,496 W`. */
export function rangeText({ quantity, unit = baseUnit(quantity) }: Expectation, values: readonly number[]): string {
  const [least, greatest] = values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
  const from = shown(quantity, least, unit);
  return least === greatest ? from : `${from} to ${shown(quantity, greatest, unit)}`;
}
