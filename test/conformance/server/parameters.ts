import type { Variables } from '../expressions.ts';

/** A National Metering Identifier with its check digit (AEMO's examples, of no connection point). */
const constants: Readonly<Record<string, string>> = { valid_nmi_1: '20019857328', valid_nmi_2: 'QAAAVZZZZZ3' };

/** What the expressions of the procedures can name: a client's own values, and constants. */
export function variablesOf(values: Readonly<Record<string, number>>): Variables {
  return (name) => {
    const value = values[name] ?? constants[name];
    if (value === undefined) throw new Error(`nothing is known of ${name}`);
    return value;
  };
}

/** A parameter that is text. */
export function textOf(parameters: Readonly<Record<string, unknown>>, name: string): string {
  const value = parameters[name];
  if (typeof value !== 'string') throw new Error(`${name} is not text: ${JSON.stringify(value)}`);
  return value;
}
