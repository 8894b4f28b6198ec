/** Parameters of a procedure whose value is known only while it runs: `$now`, `$(setMaxW * 0.3)`, `$(now + '5 minutes')`. */
import type { Parameter, Parameters } from './procedure.ts';

/** The value of a variable by its name; throws where it has none. Times are Unix seconds. */
export type Variables = (name: string) => number | string;

type Value = number | string | boolean;

const token = /\s*(?:(\d+(?:\.\d+)?)|'([^']*)'|([A-Za-z_]\w*)|(<=|>=|==|!=|[-+*/<>]))/y;

const unitSeconds: Readonly<Record<string, number>> = {
  second: 1,
  sec: 1,
  minute: 60,
  min: 60,
  hour: 3600,
  day: 86_400,
};

/** `'5 minutes'` in seconds. */
function secondsOf(text: string): number {
  const [, count, unit = ''] = /^(\d+)\s*([a-z]+?)s?$/.exec(text) ?? [];
  const seconds = unitSeconds[unit];
  if (count === undefined || seconds === undefined) throw new Error(`'${text}' is no duration`);
  return Number(count) * seconds;
}

const operations: Readonly<Record<string, (a: number, b: number) => Value>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

/** An expression has at most one operator. */
function evaluate(text: string, variables: Variables): Value {
  const values: (number | string)[] = [];
  const operators: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.trimEnd().length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw new Error(`cannot read ${text} at ${at}`);
    const [, number, duration, name, operator] = found;
    if (number !== undefined) values.push(Number(number));
    else if (duration !== undefined) values.push(secondsOf(duration));
    else if (name !== undefined) values.push(variables(name));
    else if (operator !== undefined) operators.push(operator);
  }
  const [left, right] = values;
  const [operator] = operators;
  if (left === undefined || values.length !== operators.length + 1 || operators.length > 1) {
    throw new Error(`${text} is not a value, nor two with an operator between them`);
  }
  if (operator === undefined || right === undefined) return left;
  const operation = operations[operator];
  if (operation === undefined || typeof left !== 'number' || typeof right !== 'number') {
    throw new Error(`${text} is not about numbers`);
  }
  const result = operation(left, right);
  // Parts of a rating are whole watts; the product of binary fractions is not.
  return typeof result === 'number' ? Math.round(result * 1000) / 1000 : result;
}

/** A parameter with its expressions replaced; `this` stands for the parameter's own name. */
export function resolved(value: Parameter, variables: Variables, own = ''): Parameter {
  if (Array.isArray(value)) return value.map((item: Parameter) => resolved(item, variables, own));
  if (typeof value !== 'string' || !value.startsWith('$')) return value;
  const text = value.startsWith('$(') ? value.slice(2, -1) : value.slice(1);
  return evaluate(text, (name) => variables(name === 'this' ? own : name));
}

/** All of them with their expressions replaced. */
export const resolveAll = (parameters: Parameters | undefined, variables: Variables): Parameters =>
  Object.fromEntries(Object.entries(parameters ?? {}).map(([name, value]) => [name, resolved(value, variables, name)]));
