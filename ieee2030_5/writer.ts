import { codePoints, type SimplePlan } from './simple.ts';
import type { AttributePlan, ElementPlan, Family, TypePlan } from './plans.ts';
import type { Schema } from './schema.ts';
import { isUriReference } from './uri.ts';
import { XmlFault } from './xml-fault.ts';
import { isXmlText } from './xml-text.ts';

type Value = Readonly<Record<string, unknown>>;

/** The prefix of each family on the wire; the root element's family is the default namespace. */
export const prefixes: Readonly<Record<Family, string>> = { sep: 'sep', aus: 'csipaus', gtx: 'gtx' };

const pairs = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase());
/** Anything but plain characters, which need no escape in text nor in attributes. */
const notPlain = /[^ !#-%'-;=?-\ud7ff]/;

/** What holds while one document is written; keeps the namespaces that were needed. */
export class Output {
  readonly schema: Schema;
  readonly root: Family;
  readonly used = new Set<Family>();
  usedXsi = false;

  constructor(schema: Schema, root: Family) {
    this.schema = schema;
    this.root = root;
  }
}

/** Attributes and content of an element, `>` and end tag included, in the schema's order. */
export function elementText(output: Output, declared: TypePlan, value: unknown, tag: string): string {
  if (declared.simple !== undefined) return `>${simpleText(declared.simple, value, tag, false)}</${tag}>`;
  if (!isValue(value)) throw new XmlFault('GTX-XML-031', `${tag} must be an object`);
  const { xsiType } = value;
  const plan = xsiType === undefined ? declared : instanceType(output, declared, xsiType, tag);
  const head = plan === declared ? '' : ` xsi:type="${plan.name}"`;
  return bodyText(output, plan, plan.form === undefined ? value : plan.form.toPeer(value), tag, head);
}

/**
 * Goes over the value's own members, which mostly stand in the schema's order, rather than over the schema's, which
 * are mostly absent; `head` is what comes before the attributes.
 */
function bodyText(output: Output, plan: TypePlan, value: Value, tag: string, head: string): string {
  const { members, nextRequired, elements } = plan;
  let attributes = head;
  let content = '';
  let last = -1;
  for (const name in value) {
    // Mostly it is the next one, and the map need not be asked.
    const at = elements[last + 1]?.name === name ? last + 1 : members.get(name);
    const member = at === undefined ? undefined : value[name];
    if (at === undefined || member === undefined) continue;
    if (at < 0) {
      const { simple } = plan.attributes[-1 - at] as AttributePlan;
      attributes += ` ${name}="${simpleText(simple, member, name, true)}"`;
      continue;
    }
    if (at < last || (nextRequired[last + 1] as number) < at) {
      return bodyText(output, plan, inOrder(plan, value, tag), tag, head);
    }
    last = at;
    content += memberText(output, elements[at] as ElementPlan, member, tag);
  }
  if ((nextRequired[last + 1] as number) < elements.length) inOrder(plan, value, tag);
  if (plan.hasRequiredAttributes) proveAttributes(plan, value, tag);
  return content === '' ? `${attributes}/>` : `${attributes}>${content}</${tag}>`;
}

/** A copy with its members in the schema's order; throws when a required element is missing. */
function inOrder(plan: TypePlan, value: Value, tag: string): Value {
  const ordered: Record<string, unknown> = {};
  for (const { name } of plan.attributes) ordered[name] = value[name];
  for (const { name, min } of plan.elements) {
    if (value[name] !== undefined) ordered[name] = value[name];
    else if (min > 0) throw new XmlFault('GTX-XML-030', `${name} is missing in ${tag}`);
  }
  return ordered;
}

function proveAttributes(plan: TypePlan, value: Value, tag: string): void {
  for (const { name, required } of plan.attributes) {
    if (required && value[name] === undefined) {
      throw new XmlFault('GTX-XML-030', `The attribute ${name} of ${tag} is missing`);
    }
  }
}

function memberText(output: Output, item: ElementPlan, member: unknown, tag: string): string {
  const { type } = item;
  const single = item.max === 1;
  if (type.simple !== undefined && single && item.family === output.root) {
    return item.open + simpleText(type.simple, member, item.name, false) + item.close;
  }
  const name = tagOf(output, item.family, item.name);
  if (single) return `<${name}${elementText(output, type, member, name)}`;
  if (!Array.isArray(member)) throw new XmlFault('GTX-XML-031', `${item.name} of ${tag} must be an array`);
  if (member.length < item.min || member.length > item.max) {
    throw new XmlFault('GTX-XML-032', `${tag} has ${member.length} of ${item.name}: ${item.min}..${item.max}`);
  }
  let text = '';
  for (const one of member) text += `<${name}${elementText(output, type, one, name)}`;
  return text;
}

function tagOf(output: Output, family: Family, name: string): string {
  if (family === output.root) return name;
  output.used.add(family);
  return `${prefixes[family]}:${name}`;
}

function instanceType(output: Output, declared: TypePlan, xsiType: unknown, tag: string): TypePlan {
  if (xsiType === declared.name) return declared;
  const plan = typeof xsiType === 'string' ? output.schema.type('sep', xsiType) : undefined;
  if (plan === undefined || !output.schema.derives(plan, declared)) {
    throw new XmlFault('GTX-XML-031', `The xsiType of ${tag} is not ${declared.name} or a type derived from it`);
  }
  output.usedXsi = true;
  return plan;
}

const isValue = (value: unknown): value is Value => typeof value === 'object' && value !== null;

function simpleText(plan: SimplePlan, value: unknown, tag: string, attribute: boolean): string {
  switch (plan.kind) {
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(tag, 'an integer number', value);
      if (value < plan.low || value > plan.high) throw outOfRange(tag, value, plan.low, plan.high);
      return value.toString();
    case 'long': {
      if (typeof value !== 'bigint') throw wrongType(tag, 'a bigint', value);
      // Most are instants, which a number holds exactly, and numbers are cheaper to compare and to write.
      const number = Number(value);
      if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) return number.toString();
      if (value < plan.low || value > plan.high) throw outOfRange(tag, value, plan.low, plan.high);
      return value.toString();
    }
    case 'hexBinary':
      if (!(value instanceof Uint8Array)) throw wrongType(tag, 'bytes', value);
      if (value.length > plan.octets) throw tooLong(tag, value.length, plan.octets, 'octets');
      return hexText(value);
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(tag, 'a boolean', value);
      return value ? 'true' : 'false';
    case 'anyURI':
      if (typeof value !== 'string') throw wrongType(tag, 'a string', value);
      if (!isUriReference(value, 0, value.length)) {
        throw new XmlFault('GTX-XML-032', `${tag} is not a URI reference: ${JSON.stringify(value.slice(0, 80))}`);
      }
      return escape(value, tag, attribute);
    case 'string':
    default:
      if (typeof value !== 'string') throw wrongType(tag, 'a string', value);
      if (value.length > plan.characters && codePoints(value) > plan.characters) {
        throw tooLong(tag, codePoints(value), plan.characters, 'characters');
      }
      return escape(value, tag, attribute);
  }
}

const wrongType = (tag: string, expected: string, value: unknown): XmlFault =>
  new XmlFault('GTX-XML-031', `${tag} must be ${expected}, not ${value === null ? 'null' : typeof value}`);
const outOfRange = (tag: string, value: number | bigint, low: number | bigint, high: number | bigint): XmlFault =>
  new XmlFault('GTX-XML-032', `${tag} is ${value}, outside ${low}..${high}`);
const tooLong = (tag: string, length: number, limit: number, unit: string): XmlFault =>
  new XmlFault('GTX-XML-032', `${tag} has ${length} ${unit}, at most ${limit} are allowed`);

function hexText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += pairs[bytes[i] ?? 0];
  return text;
}

function escape(value: string, tag: string, attribute: boolean): string {
  if (!notPlain.test(value)) return value;
  if (!isXmlText(value)) {
    throw new XmlFault('GTX-XML-032', `${tag} has a character that XML cannot carry`);
  }
  return value.replace(attribute ? /[&<>"\t\r\n]/g : /[&<>\r]/g, reference);
}

function reference(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    default:
      return `&#${character.charCodeAt(0)};`;
  }
}
