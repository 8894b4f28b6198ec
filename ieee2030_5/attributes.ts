import type { DocumentState } from './document-state.ts';
import type { AttributePlan, TypePlan } from './plans.ts';
import type { Scanner } from './scanner.ts';
import { readSimple } from './simple.ts';

/** Puts the attributes of the tag just read into `value`; those of XML Schema instances are not the document's. */
export function takeAttributes(state: DocumentState, plan: TypePlan, value: Record<string, unknown>): void {
  const { scan } = state;
  const { attributeCount, attributeNames, attributeValues, attributePlaces } = scan;
  for (let i = 0; i < attributeCount; i++) {
    const name = attributeNames[i] ?? '';
    const known = plan.attributes.find((item) => item.name === name);
    if (known !== undefined) {
      value[name] = attributeValue(scan, known, attributeValues[i] ?? '', attributePlaces[i] ?? 0);
    } else if (!name.includes(':') || !isInstanceAttribute(scan, name)) {
      if (state.options.strict) {
        throw scan.fault('GTX-XML-017', `There is no attribute ${name} here`, attributePlaces[i]);
      }
      state.skipped++;
    }
  }
  if (!plan.hasRequiredAttributes) return;
  for (const item of plan.attributes) {
    if (item.required && value[item.name] === undefined) {
      throw scan.fault('GTX-XML-018', `The attribute ${item.name} is missing`);
    }
  }
}

function attributeValue(scan: Scanner, known: AttributePlan, text: string, place: number): unknown {
  const behind = scan.at;
  scan.at = place;
  const value = readSimple(known.simple, text, 0, text.length);
  scan.at = behind;
  return value;
}

function isInstanceAttribute(scan: Scanner, name: string): boolean {
  if (!scan.isXsi(name)) return false;
  const local = name.slice(name.indexOf(':') + 1);
  return local === 'type' || local === 'schemaLocation' || local === 'noNamespaceSchemaLocation';
}

/** The type that `xsi:type` names, else the declared one. */
export function instanceType(state: DocumentState, declared: TypePlan): TypePlan {
  const { scan, schema } = state;
  for (let i = 0; i < scan.attributeCount; i++) {
    const name = scan.attributeNames[i] ?? '';
    if (!name.endsWith(':type') || !scan.isXsi(name)) continue;
    const type = (scan.attributeValues[i] ?? '').trim();
    const { family, name: local } = state.resolve(type);
    const plan = family === undefined ? undefined : schema.type(family, local);
    if (plan !== undefined && schema.derives(plan, declared)) return plan;
    if (plan === undefined && !state.options.strict) {
      // An extension's type: what it has of the declared one is read, the rest is skipped.
      state.skipped++;
      return declared;
    }
    throw scan.fault(
      'GTX-XML-019',
      `${type} is not ${declared.name} or a type derived from it`,
      scan.attributePlaces[i],
    );
  }
  return declared;
}
