import { codePoints, type SimplePlan } from './simple.ts';
import type { Family, Schema, TypePlan } from './schema.ts';
import { isUriReference } from './uri.ts';
import { XmlFault } from './xml-fault.ts';

type Value = Readonly<Record<string, unknown>>;

/** The prefix of each family on the wire; the root element's family is the default namespace. */
export const prefixes: Readonly<Record<Family, string>> = { sep: 'sep', aus: 'csipaus', gtx: 'gtx' };

const pairs = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase());
const needsEscape = /[&<>\r]/;
const needsAttributeEscape = /[&<>"\t\r\n]/;
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Writes values in the schema's order; keeps the namespaces that were needed. */
export class Writer {
  readonly #schema: Schema;
  readonly #root: Family;
  readonly used = new Set<Family>();
  usedXsi = false;

  constructor(schema: Schema, root: Family) {
    this.#schema = schema;
    this.#root = root;
  }

  /** Attributes and content of an element, `>` and end tag included. */
  element(declared: TypePlan, value: unknown, tag: string): string {
    if (declared.simple !== undefined) return `>${simpleText(declared.simple, value, tag, false)}</${tag}>`;
    if (!isValue(value)) throw new XmlFault('GTX-XML-031', `${tag} must be an object`);
    const plan = this.#instanceType(declared, value, tag);
    let attributes = plan === declared ? '' : ` xsi:type="${plan.name}"`;
    for (const item of plan.attributes) {
      const attribute = value[item.name];
      if (attribute !== undefined) {
        attributes += ` ${item.name}="${simpleText(item.simple, attribute, `${tag}/@${item.name}`, true)}"`;
      } else if (item.required) {
        throw new XmlFault('GTX-XML-030', `The attribute ${item.name} of ${tag} is missing`);
      }
    }
    const content = this.#content(plan, value, tag);
    return content === '' ? `${attributes}/>` : `${attributes}>${content}</${tag}>`;
  }

  #content(plan: TypePlan, value: Value, tag: string): string {
    let content = '';
    for (const item of plan.elements) {
      const member = value[item.name];
      if (member === undefined) {
        if (item.min > 0) throw new XmlFault('GTX-XML-030', `${item.name} is missing in ${tag}`);
        continue;
      }
      const { simple } = item.type;
      if (simple !== undefined && item.max === 1 && item.family === this.#root) {
        content += item.open + simpleText(simple, member, item.name, false) + item.close;
        continue;
      }
      const name = this.#tag(item.family, item.name);
      if (item.max === 1) {
        content += `<${name}${this.element(item.type, member, name)}`;
        continue;
      }
      if (!Array.isArray(member)) throw new XmlFault('GTX-XML-031', `${item.name} of ${tag} must be an array`);
      if (member.length < item.min || member.length > item.max) {
        throw new XmlFault('GTX-XML-032', `${tag} has ${member.length} of ${item.name}: ${item.min}..${item.max}`);
      }
      for (const one of member) content += `<${name}${this.element(item.type, one, name)}`;
    }
    return content;
  }

  #tag(family: Family, name: string): string {
    if (family === this.#root) return name;
    this.used.add(family);
    return `${prefixes[family]}:${name}`;
  }

  #instanceType(declared: TypePlan, value: Value, tag: string): TypePlan {
    const { xsiType } = value;
    if (xsiType === undefined || xsiType === declared.name) return declared;
    const plan = typeof xsiType === 'string' ? this.#schema.type('sep', xsiType) : undefined;
    if (plan === undefined || !this.#schema.derives(plan, declared)) {
      throw new XmlFault('GTX-XML-031', `The xsiType of ${tag} is not ${declared.name} or a type derived from it`);
    }
    this.usedXsi = true;
    return plan;
  }
}

const isValue = (value: unknown): value is Value => typeof value === 'object' && value !== null;

function simpleText(plan: SimplePlan, value: unknown, tag: string, attribute: boolean): string {
  switch (plan.kind) {
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(tag, 'an integer number', value);
      if (value < plan.low || value > plan.high) throw outOfRange(tag, value, plan.low, plan.high);
      return value.toString();
    case 'long':
      if (typeof value !== 'bigint') throw wrongType(tag, 'a bigint', value);
      if (value < plan.low || value > plan.high) throw outOfRange(tag, value, plan.low, plan.high);
      return value.toString();
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
  if (forbidden.test(value) || !value.isWellFormed()) {
    throw new XmlFault('GTX-XML-032', `${tag} has a character that XML cannot carry`);
  }
  if (!(attribute ? needsAttributeEscape : needsEscape).test(value)) return value;
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
