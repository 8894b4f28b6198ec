import { resolveAll, type Variables } from '../expressions.ts';
import type { Parameter, Parameters } from '../procedure.ts';

/** All parameters of an instruction, resolved, with typed access. */
export class Given {
  readonly #values: Parameters;

  constructor(parameters: Parameters | undefined, variables: Variables) {
    this.#values = resolveAll(parameters, variables);
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
