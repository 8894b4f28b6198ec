import fc from 'fast-check';
import type { AttributePlan, ElementPlan, RootPlan, TypePlan } from '../plans.ts';
import type { Schema } from '../schema.ts';
import type { SimplePlan } from '../simple.ts';

/** Code points that XML carries, those that need an escape among them. */
const unit = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...'abcXYZ 0189-_./'.split('')) },
  { weight: 2, arbitrary: fc.constantFrom('&', '<', '>', '"', "'", ']', '\t', '\n', '\r') },
  { weight: 1, arbitrary: fc.constantFrom('é', 'ß', '漢', '\u00a0', '\ud7ff', '\ue000', '\ufffd', '😀', '\u{10ffff}') },
);

const uri = fc.oneof(
  fc.constantFrom('', '/', '/dcap', '/edev/1/der/2', 'https://[fe80::1]:8443/dcap', 'urn:a:b', '?s=0&l=255', '#top'),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  // Two slashes at the start would make the first segment an authority.
  fc.webPath().map((path) => path.replace(/^\/+/, '/')),
);

function simpleValue(plan: SimplePlan): fc.Arbitrary<unknown> {
  switch (plan.kind) {
    case 'integer':
      return fc.oneof(fc.integer({ min: plan.low, max: plan.high }), fc.constantFrom(plan.low, plan.high));
    case 'long':
      return fc.oneof(fc.bigInt(plan.low, plan.high), fc.constantFrom(plan.low, plan.high));
    case 'hexBinary':
      return fc.uint8Array({ maxLength: plan.octets, size: 'max' }).map((bytes) => Uint8Array.from(bytes));
    case 'boolean':
      return fc.boolean();
    case 'anyURI':
      return uri;
    case 'string':
    default:
      return fc.string({ unit, maxLength: Math.min(plan.characters, 40), size: 'medium' });
  }
}

/** Documents of a schema as values, over all its root elements. */
export class Values {
  readonly #schema: Schema;
  readonly #made = new Map<TypePlan, fc.Arbitrary<unknown>>();

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  document(root: RootPlan): fc.Arbitrary<unknown> {
    return this.#typed(root.type);
  }

  #typed(plan: TypePlan): fc.Arbitrary<unknown> {
    let made = this.#made.get(plan);
    if (made === undefined) {
      made = plan.simple === undefined ? this.#record(plan) : simpleValue(plan.simple);
      this.#made.set(plan, made);
    }
    return made;
  }

  #record(plan: TypePlan): fc.Arbitrary<unknown> {
    const members: Record<string, fc.Arbitrary<unknown>> = {};
    const requiredKeys: string[] = [];
    const add = (item: AttributePlan | ElementPlan, required: boolean, value: fc.Arbitrary<unknown>): void => {
      members[item.name] = value;
      if (required) requiredKeys.push(item.name);
    };
    for (const item of plan.attributes) add(item, item.required, simpleValue(item.simple));
    for (const item of plan.elements) add(item, item.min > 0, this.#element(item));
    return fc.record(members, { requiredKeys, noNullPrototype: true });
  }

  #element(item: ElementPlan): fc.Arbitrary<unknown> {
    const one = this.#instance(item.type);
    if (item.max === 1) return one;
    return fc.array(one, { minLength: Math.max(1, item.min), maxLength: Math.min(item.max, 3), size: 'small' });
  }

  /** A value of a declared type, sometimes one of a derived type with its xsi:type. */
  #instance(declared: TypePlan): fc.Arbitrary<unknown> {
    const derived = [...this.#schema.derivedFrom(declared)];
    const plain = this.#typed(declared);
    if (derived.length === 0) return plain;
    const typed = fc
      .constantFrom(...derived)
      .chain((plan) => this.#typed(plan).map((value) => ({ xsiType: plan.name, ...(value as object) })));
    return fc.oneof(plain, typed);
  }
}
