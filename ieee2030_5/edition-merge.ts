import { simplePlan } from './simple.ts';
import type { ElementPlan, TypePlan } from './plans.ts';

export interface Merged {
  readonly elements: ElementPlan[];
  /** Names that only the newer edition has. */
  readonly onlyNewer: ReadonlySet<string>;
}

/**
 * The elements of a type in two editions, for peers that write the one in the namespace of the other: each edition's
 * order is kept, what one edition lacks is optional, and of two ranges the wider holds.
 */
export function mergeElements(older: readonly ElementPlan[], newer: readonly ElementPlan[]): Merged {
  const olderNames = new Set(older.map(({ name }) => name));
  const newerNames = new Set(newer.map(({ name }) => name));
  const elements: ElementPlan[] = [];
  let i = 0;
  for (const item of newer) {
    if (!olderNames.has(item.name)) {
      elements.push({ ...item, min: 0 });
      continue;
    }
    for (; i < older.length; i++) {
      const before = older[i] as ElementPlan;
      if (before.name === item.name) break;
      if (!newerNames.has(before.name)) elements.push({ ...before, min: 0 });
    }
    elements.push({ ...item, type: wider(item.type, (older[i++] as ElementPlan).type) });
  }
  for (; i < older.length; i++) elements.push({ ...(older[i] as ElementPlan), min: 0 });
  return { elements, onlyNewer: new Set([...newerNames].filter((name) => !olderNames.has(name))) };
}

function wider(a: TypePlan, b: TypePlan): TypePlan {
  if (a.simple?.kind !== 'integer' || b.simple?.kind !== 'integer') return a;
  const low = Math.min(a.simple.low, b.simple.low);
  const high = Math.max(a.simple.high, b.simple.high);
  return { ...a, simple: simplePlan(a.simple.name, `integer ${low} ${high}`) };
}
