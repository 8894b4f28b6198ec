import { type CodeTable, codeTables } from './code-tables.ts';
import type { JsonObject, JsonOptions } from './json.ts';
import type { ElementPlan, TypePlan } from './plans.ts';
import { type Schema, schemaOf } from './schema.ts';
import type { SimplePlan } from './simple.ts';
import type { RootName } from './types.generated.ts';

export interface JsonSchemaOptions extends JsonOptions {
  /** What stands before a type's name in `$ref`, such as `#/components/schemas/` in OpenAPI. Default `#/$defs/`. */
  readonly refs?: string;
}

/**
 * The JSON schema (2020-12, as OpenAPI 3.1 has it) of what `toJson` gives and `fromJson` takes: `$ref` to the
 * document's type, and in `$defs` every type that it needs. Codes and bits are named in the descriptions, not
 * enumerated: the standard leaves most ranges open to reserved and users' values.
 */
export function jsonSchemaOf(
  name: RootName,
  options: JsonSchemaOptions = {},
): JsonObject & { readonly $defs: JsonObject } {
  const emitter = new SchemaEmitter(schemaOf(options.profile ?? 'any'), options.refs ?? '#/$defs/');
  return emitter.document(name);
}

class SchemaEmitter {
  readonly #schema: Schema;
  readonly #refs: string;
  readonly #definitions: Record<string, JsonObject> = {};

  constructor(schema: Schema, refs: string) {
    this.#schema = schema;
    this.#refs = refs;
  }

  document(name: string): JsonObject & { readonly $defs: JsonObject } {
    const root = this.#schema.rootOf(name);
    if (root === undefined) throw new TypeError(`There is no document ${name}`);
    return { ...this.#typed(root.type), $defs: this.#definitions };
  }

  /** A reference to the type, or to any type derived from it. */
  #typed(plan: TypePlan): JsonObject {
    if (plan.simple !== undefined) return { ...simpleSchema(plan.simple), ...this.#named(codeTables[localName(plan)]) };
    const derived = [...this.#schema.derivedFrom(plan)];
    const own = this.#reference(plan);
    if (derived.length === 0) return own;
    return { anyOf: [own, ...derived.map((item) => ({ ...this.#reference(item), required: ['xsiType'] }))] };
  }

  #reference(plan: TypePlan): JsonObject {
    const name = plan.name.replace(':', '.');
    if (this.#definitions[name] === undefined) {
      // Standing in for itself while it is made: types refer to each other in circles.
      this.#definitions[name] = {};
      this.#definitions[name] = this.#object(plan);
    }
    return { $ref: `${this.#refs}${name}` };
  }

  #object(plan: TypePlan): JsonObject {
    const properties: Record<string, JsonObject> = { xsiType: { const: plan.name } };
    const required: string[] = [];
    for (const item of plan.attributes) {
      const table = this.#tableOf(plan, item.name) ?? codeTables[item.simple.name];
      properties[item.name] = { ...simpleSchema(item.simple), ...this.#named(table) };
      if (item.required) required.push(item.name);
    }
    for (const item of plan.elements) {
      properties[item.name] = { ...this.#element(item), ...this.#named(this.#tableOf(plan, item.name)) };
      if (item.min > 0) required.push(item.name);
    }
    return { title: localName(plan), type: 'object', properties, required, additionalProperties: false };
  }

  #element(item: ElementPlan): JsonObject {
    const items = this.#typed(item.type);
    if (item.max === 1) return items;
    const maxItems = item.max === Number.POSITIVE_INFINITY ? {} : { maxItems: item.max };
    return { type: 'array', items, minItems: item.min, ...maxItems };
  }

  /** The codes of a member that has a table of its own, also where a base type declares it. */
  #tableOf(plan: TypePlan, member: string): CodeTable | undefined {
    for (const [place, table] of Object.entries(codeTables)) {
      const [type = '', name] = place.split('.');
      if (name !== member) continue;
      const owner = this.#schema.type('sep', type);
      if (owner !== undefined && this.#schema.derives(plan, owner)) return table;
    }
    return undefined;
  }

  #named(table: CodeTable | undefined): JsonObject {
    if (table === undefined) return {};
    const names = Object.entries(table.names).map(([name, value]) => `${value} ${name}`);
    return { description: `${table.bits ? 'Bits' : 'Codes'}: ${names.join(', ')}` };
  }
}

/** A profile's type without its family. */
const localName = (plan: TypePlan): string => plan.name.slice(plan.name.indexOf(':') + 1);

function simpleSchema(plan: SimplePlan): JsonObject {
  switch (plan.kind) {
    case 'integer':
      return { type: 'integer', minimum: plan.low, maximum: plan.high };
    case 'long': {
      const unsigned = plan.low === 0n;
      const integer = {
        type: 'integer',
        minimum: unsigned ? 0 : Number.MIN_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
      };
      const description = `As a string beyond 2^53; ${plan.low} to ${plan.high}`;
      return { anyOf: [integer, { type: 'string', pattern: `^[+${unsigned ? '' : '-'}]?[0-9]+$`, description }] };
    }
    case 'hexBinary': {
      const count = plan.octets === Number.POSITIVE_INFINITY ? '*' : `{0,${plan.octets}}`;
      return { type: 'string', pattern: `^([0-9A-Fa-f]{2})${count}$` };
    }
    case 'string':
      return plan.characters === Number.POSITIVE_INFINITY
        ? { type: 'string' }
        : { type: 'string', maxLength: plan.characters };
    case 'boolean':
      return { type: 'boolean' };
    case 'anyURI':
    default:
      return { type: 'string', format: 'uri-reference' };
  }
}
