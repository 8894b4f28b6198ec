import type { Form } from './edition-2013.ts';
import type { SimplePlan } from './simple.ts';

/** A family of namespaces of which one document uses one member: the base schema's, CSIP-AUS's, our own. */
export type Family = 'sep' | 'aus' | 'gtx';

export interface TypePlan {
  readonly name: string;
  /** Set when the content is text. */
  readonly simple: SimplePlan | undefined;
  readonly elements: readonly ElementPlan[];
  /** Position in `elements`; the key is `elementKey`. */
  readonly index: ReadonlyMap<string, number>;
  /** Where a member of a value belongs: position in `elements`, or -1 less its position in `attributes`. */
  readonly members: ReadonlyMap<string, number>;
  /** For each position in `elements`, and the one behind, the first from there on that is required; else their number. */
  readonly nextRequired: readonly number[];
  readonly attributes: readonly AttributePlan[];
  readonly hasRequiredAttributes: boolean;
  /** Where an older edition says the same otherwise. */
  readonly form: Form | undefined;
  /** Elements that a value must have once it is in the form of 2018, where the plan itself cannot require them. */
  readonly requiredLater: readonly string[];
}

export interface ElementPlan {
  readonly name: string;
  readonly family: Family;
  readonly min: number;
  readonly max: number;
  readonly type: TypePlan;
  /** The tags when the element's namespace is the default one. */
  readonly open: string;
  readonly close: string;
  /** `name>` as bytes: how a start tag without attributes and an end tag end. */
  readonly ending: Uint8Array;
}

export interface AttributePlan {
  readonly name: string;
  readonly required: boolean;
  readonly simple: SimplePlan;
}

export interface RootPlan {
  readonly name: string;
  readonly family: Family;
  readonly type: TypePlan;
}

export const elementKey = (family: Family, name: string): string => (family === 'sep' ? name : `${family}:${name}`);

/** The rest of a type whose content is text. */
export const withoutMembers = {
  elements: [],
  index: new Map(),
  members: new Map(),
  nextRequired: [0],
  attributes: [],
  hasRequiredAttributes: false,
  form: undefined,
  requiredLater: [],
} as const;

/** See `TypePlan.nextRequired`. */
export function nextRequired(elements: readonly ElementPlan[]): number[] {
  const next = [elements.length];
  for (let at = elements.length - 1; at >= 0; at--) {
    next.unshift((elements[at]?.min ?? 0) > 0 ? at : (next[0] ?? elements.length));
  }
  return next;
}
