import type { Type as TypeBox } from 'typebox';

/** The builders of TypeBox that files, settings and messages are described with. */
type Builders = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Tuple'
  | 'Union'
>;

type Options = Readonly<Record<string, unknown>>;

/** As TypeBox marks a property that may be left out: seen by the mapping around it, and not in the JSON Schema. */
const optional = '~optional';

const ofType =
  (type: string) =>
  (options?: Options): object => ({ type, ...options });

const mapping = (properties: Readonly<Record<string, object>>, options?: Options): object => {
  const required = Object.keys(properties).filter((key) => !(optional in properties[key]!));
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options };
};

const builders = {
  Array: (items: object, options?: Options) => ({ type: 'array', items, ...options }),
  Boolean: ofType('boolean'),
  Enum: (values: readonly unknown[], options?: Options) => ({ enum: [...values], ...options }),
  Integer: ofType('integer'),
  Literal: (value: unknown, options?: Options) => ({ type: typeof value, const: value, ...options }),
  Number: ofType('number'),
  Object: mapping,
  Optional: (schema: object) => Object.defineProperty({ ...schema }, optional, { value: true }),
  Record: (_keys: object, values: object, options?: Options) => ({
    type: 'object',
    patternProperties: { '^.*$': values },
    ...options,
  }),
  String: ofType('string'),
  Tuple: (items: readonly object[], options?: Options) => ({
    type: 'array',
    additionalItems: false,
    items: [...items],
    minItems: items.length,
    ...options,
  }),
  Union: (anyOf: readonly object[], options?: Options) => ({ anyOf: [...anyOf], ...options }),
} as const satisfies { readonly [Name in keyof Builders]: unknown };

/**
 * JSON Schemas with TypeBox's types and without its code: what they describe is checked by `schema-faults.ts`. TypeBox
 * is 680 modules, a third of the memory that a board has. Its schemas and these go together; a server that checks by
 * TypeBox or Ajv takes either. A `Record` has texts for keys, and options of `Optional` are those of its schema.
 */
export const Type = builders as unknown as Builders;

export type { Static, TObject, TProperties, TSchema } from 'typebox';
