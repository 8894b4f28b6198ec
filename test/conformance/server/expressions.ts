import type { Parameter, Parameters } from '../procedure.ts';

const expression = /^\$\(\s*(\w+)(?:\s*([*/+-])\s*([\d.]+))?\s*\)$|^\$(\w+)$/;

/** A National Metering Identifier with its check digit (AEMO's examples, of no connection point). */
const constants: Readonly<Record<string, string>> = { valid_nmi_1: '20019857328', valid_nmi_2: 'QAAAVZZZZZ3' };

const operations: Readonly<Record<string, (a: number, b: number) => number>> = {
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
};

/** A parameter's value where it is an expression of a variable and at most one operation, else itself. */
export function resolve(parameter: Parameter, variables: Readonly<Record<string, number>>): Parameter {
  if (typeof parameter !== 'string') return parameter;
  if (!parameter.startsWith('$')) return parameter;
  const [, name, sign, operand, plain] = expression.exec(parameter) ?? [];
  const variable = name ?? plain ?? '';
  const value = variables[variable] ?? constants[variable];
  if (value === undefined) throw new Error(`unknown expression ${parameter}`);
  if (sign === undefined) return value;
  const operation = operations[sign];
  if (operation === undefined || typeof value !== 'number') throw new Error(`unknown expression ${parameter}`);
  // Parts of a rating are whole watts; the product of binary fractions is not.
  return Math.round(operation(value, Number(operand)) * 1000) / 1000;
}

export const resolveAll = (parameters: Parameters = {}, variables: Readonly<Record<string, number>>): Parameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, resolve(value, variables)]));

/** A parameter that is text. */
export function textOf(parameters: Readonly<Record<string, unknown>>, name: string): string {
  const value = parameters[name];
  if (typeof value !== 'string') throw new Error(`${name} is not text: ${JSON.stringify(value)}`);
  return value;
}
