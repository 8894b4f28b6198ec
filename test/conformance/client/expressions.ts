/** Parameters of a procedure whose value is known only while it runs: `$now`, `$(setMaxW * 0.3)`, `$(now + '5 minutes')`. */
import type { Parameter, Parameters } from '../procedure.ts';

/** The value of a variable by its name; throws where the client has not told it. Times are Unix seconds. */
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
  return operation(left, right);
}

/** A parameter with its expressions replaced; `this` stands for the parameter's own name. */
export function resolved(value: Parameter, variables: Variables, own = ''): Parameter {
  if (Array.isArray(value)) return value.map((item: Parameter) => resolved(item, variables, own));
  if (typeof value !== 'string' || !value.startsWith('$')) return value;
  const text = value.startsWith('$(') ? value.slice(2, -1) : value.slice(1);
  return evaluate(text, (name) => variables(name === 'this' ? own : name));
}

/** All parameters of an instruction, resolved, with typed access. */
export class Given {
  readonly #values: Parameters;

  constructor(parameters: Parameters | undefined, variables: Variables) {
    this.#values = Object.fromEntries(
      Object.entries(parameters ?? {}).map(([name, value]) => [name, resolved(value, variables, name)]),
    );
  }

  get names(): readonly string[] {
    return Object.keys(this.#values);
  }

  get(name: string): Parameter | undefined {
    return this.#values[name];
  }

  number(name: string): number | undefined {
    return this.#of(name, 'number');
  }

  text(name: string): string | undefined {
    return this.#of(name, 'string');
  }

  flag(name: string): boolean | undefined {
    return this.#of(name, 'boolean');
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(Number) : undefined;
  }

  /** What a required parameter gives. */
  required<T>(value: T | undefined, name: string): T {
    if (value === undefined) throw new Error(`the procedure gives no ${name}`);
    return value;
  }

  #of<T extends 'number' | 'string' | 'boolean'>(
    name: string,
    type: T,
  ): (T extends 'number' ? number : T extends 'string' ? string : boolean) | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== type) throw new Error(`${name} is ${JSON.stringify(value)}, no ${type}`);
    // Its type is checked: TypeScript cannot follow that through the conditional type.
    return value as never;
  }
}
