import type { WadlMethod } from '#ieee2030_5/wadl-table.ts';
import type { ResourceRule } from './resource-rules.ts';

/**
 * What a resource is to the one who asks. `own`: his, or shown to him · `aggregated`: of a device that he may act
 * for · `other`: of someone else · `absent`: nobody's, there is none · `unregistered`: he is no device of ours, and
 * may register himself · `unknown`: he is no device of ours, and may not.
 */
export type Relation = 'own' | 'aggregated' | 'other' | 'absent' | 'unregistered' | 'unknown';

export type Decision = 'allow' | 'forbidden' | 'absent' | 'no-such-method';

/**
 * The one place that decides who may do what (IEEE 2030.5-2018 §6.4): denied unless allowed. Who is not registered
 * learns nothing of what there is; a device learns of another's resource that it is forbidden, and of a method only
 * where it may see the resource.
 */
export function decide(rule: ResourceRule | undefined, relation: Relation, method: string): Decision {
  switch (relation) {
    case 'unknown':
      return 'forbidden';
    case 'unregistered':
      return rule !== undefined && isOpen(rule, method) ? 'allow' : 'forbidden';
    case 'other':
      return 'forbidden';
    case 'absent':
      return 'absent';
    case 'own':
    case 'aggregated':
      if (rule === undefined) return 'absent';
      return isAllowed(rule, method) ? 'allow' : 'no-such-method';
    default:
      return relation satisfies never;
  }
}

/** What discovery needs before there is an EndDevice, and the POST that makes it. */
const isOpen = (rule: ResourceRule, method: string): boolean =>
  rule.whose === 'anyone' &&
  isAllowed(rule, method) &&
  (method === 'GET' || method === 'HEAD' || (method === 'POST' && rule.id === 'EndDeviceList'));

const isAllowed = ({ methods }: ResourceRule, method: string): boolean =>
  methods.includes((method === 'HEAD' ? 'GET' : method) as WadlMethod);

/** The header Allow of a resource (RFC 9110 §10.2.1). */
export const allowOf = ({ methods }: ResourceRule): string =>
  [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ');
