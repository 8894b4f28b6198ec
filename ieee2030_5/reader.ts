import {
  type AttributePlan,
  type ElementPlan,
  elementKey,
  type Family,
  type RootPlan,
  type Schema,
  type TypePlan,
} from './schema.ts';
import { Scanner, type Scope } from './scanner.ts';
import { elementAhead, proveComplete, tooMany } from './sequence.ts';
import { readSimple, type SimplePlan } from './simple.ts';
import { skipElement } from './skip.ts';
import type { XmlFault } from './xml-fault.ts';

export interface ReaderOptions {
  readonly strict: boolean;
  readonly maxDepth: number;
}

type Value = Record<string, unknown>;

const lessThan = 60;
const greaterThan = 62;
const slash = 47;
const questionMark = 63;
const exclamationMark = 33;

/** One document against one schema, in a single pass. */
export class Reader {
  readonly #schema: Schema;
  readonly #options: ReaderOptions;
  readonly #scan: Scanner;
  /** The family of the default namespace, undefined when it is foreign. */
  #defaultFamily: Family | undefined;
  /** Of each family's namespaces the one that this document uses. */
  readonly active: Partial<Record<Family, string>> = {};
  /** Elements and attributes that the schema does not know. */
  skipped = 0;

  constructor(text: string, schema: Schema, options: ReaderOptions) {
    this.#scan = new Scanner(text);
    this.#schema = schema;
    this.#options = options;
  }

  get at(): number {
    return this.#scan.at;
  }

  /** The document: its root element and that element's value. */
  document(): { root: RootPlan; value: unknown } {
    const scan = this.#scan;
    scan.prolog();
    if (scan.text.charCodeAt(scan.at) !== lessThan) throw scan.fault('GTX-XML-001', 'Here must stand an element');
    const place = scan.at++;
    const tag = scan.name();
    scan.attributes();
    this.#defaultFamily = this.#familyOf(scan.defaultNamespace);
    const { family, name, namespace } = this.#resolve(tag);
    if (family === undefined) {
      throw scan.fault(
        'GTX-XML-011',
        `The namespace ${JSON.stringify(namespace)} of ${tag} is not one of 2030.5`,
        place,
      );
    }
    const root = this.#schema.root(family, name);
    if (root === undefined) throw scan.fault('GTX-XML-010', `There is no document ${name}`, place);
    const value = this.#typed(root.type, tag, 1);
    scan.epilog();
    return { root, value };
  }

  /** The family of a namespace, when it is the one of its family that this document uses. */
  #familyOf(uri: string): Family | undefined {
    const family = this.#schema.namespaces.get(uri);
    if (family === undefined) return undefined;
    this.active[family] ??= uri;
    return this.active[family] === uri ? family : undefined;
  }

  #resolve(tag: string): { family: Family | undefined; name: string; namespace: string } {
    const colon = tag.indexOf(':');
    if (colon < 0) return { family: this.#defaultFamily, name: tag, namespace: this.#scan.defaultNamespace };
    const namespace = this.#scan.namespaceOf(tag.slice(0, colon));
    return { family: this.#familyOf(namespace), name: tag.slice(colon + 1), namespace };
  }

  /** The value of an element whose start tag has been read. */
  #typed(declared: TypePlan, tag: string, depth: number): unknown {
    const plan = this.#scan.attributeCount === 0 ? declared : this.#instanceType(declared);
    const { attributeCount } = this.#scan;
    if (plan.simple !== undefined) {
      if (attributeCount > 0) this.#takeAttributes(plan, {});
      return this.#simple(plan.simple, tag);
    }
    if (depth > this.#options.maxDepth) {
      throw this.#scan.fault('GTX-XML-005', `Elements are nested deeper than ${this.#options.maxDepth}`);
    }
    const value: Value = plan === declared ? {} : { xsiType: plan.name };
    if (attributeCount > 0 || plan.hasRequiredAttributes) this.#takeAttributes(plan, value);
    this.#content(plan, value, tag, depth);
    return value;
  }

  /** The value of an element whose content is text; `at` stands behind its start tag. */
  #simple(plan: SimplePlan, tag: string): unknown {
    const scan = this.#scan;
    const { text } = scan;
    if (scan.selfClosing) return readSimple(plan, '', 0, 0);
    const start = scan.at;
    const end = scan.plainTextEnd();
    if (end < 0) return this.#mixed(plan, tag);
    // A fault of the value is reported where the value starts, so `at` waits.
    const value = readSimple(plan, text, start, end);
    const name = end + 2;
    scan.at = name + tag.length + 1;
    if (
      text.charCodeAt(end + 1) === slash &&
      text.charCodeAt(scan.at - 1) === greaterThan &&
      text.startsWith(tag, name)
    ) {
      return value;
    }
    scan.at = end;
    this.#endOfValue(tag);
    return value;
  }

  /** A value whose text holds references, comments or CDATA sections. */
  #mixed(plan: SimplePlan, tag: string): unknown {
    const scan = this.#scan;
    const start = scan.at;
    const content = scan.textContent();
    const end = scan.at;
    scan.at = start;
    const value = readSimple(plan, content, 0, content.length);
    scan.at = end;
    this.#endOfValue(tag);
    return value;
  }

  #endOfValue(tag: string): void {
    const scan = this.#scan;
    if (scan.text.charCodeAt(scan.at + 1) !== slash) {
      throw scan.fault('GTX-XML-016', `${tag} holds a value, not elements`);
    }
    scan.endTag(tag);
  }

  #takeAttributes(plan: TypePlan, value: Value): void {
    const { attributeCount, attributeNames, attributeValues, attributePlaces } = this.#scan;
    for (let i = 0; i < attributeCount; i++) {
      const name = attributeNames[i] ?? '';
      const known = plan.attributes.find((item) => item.name === name);
      if (known !== undefined) {
        value[name] = this.#attribute(known, attributeValues[i] ?? '', attributePlaces[i] ?? 0);
      } else if (!name.includes(':') || !this.#isInstanceAttribute(name)) {
        if (this.#options.strict) {
          throw this.#scan.fault('GTX-XML-017', `There is no attribute ${name} here`, attributePlaces[i]);
        }
        this.skipped++;
      }
    }
    if (!plan.hasRequiredAttributes) return;
    for (const item of plan.attributes) {
      if (item.required && value[item.name] === undefined) {
        throw this.#scan.fault('GTX-XML-018', `The attribute ${item.name} is missing`);
      }
    }
  }

  #attribute(known: AttributePlan, text: string, place: number): unknown {
    const behind = this.#scan.at;
    this.#scan.at = place;
    const value = readSimple(known.simple, text, 0, text.length);
    this.#scan.at = behind;
    return value;
  }

  #isInstanceAttribute(name: string): boolean {
    if (!this.#scan.isXsi(name)) return false;
    const local = name.slice(name.indexOf(':') + 1);
    return local === 'type' || local === 'schemaLocation' || local === 'noNamespaceSchemaLocation';
  }

  /** The type that `xsi:type` names, else the declared one. */
  #instanceType(declared: TypePlan): TypePlan {
    const scan = this.#scan;
    for (let i = 0; i < scan.attributeCount; i++) {
      const name = scan.attributeNames[i] ?? '';
      if (!name.endsWith(':type') || !scan.isXsi(name)) continue;
      const type = (scan.attributeValues[i] ?? '').trim();
      const { family, name: local } = this.#resolve(type);
      const plan = family === undefined ? undefined : this.#schema.type(family, local);
      if (plan !== undefined && this.#schema.derives(plan, declared)) return plan;
      if (plan === undefined && !this.#options.strict) {
        // An extension's type: what it has of the declared one is read, the rest is skipped.
        this.skipped++;
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

  #content(plan: TypePlan, value: Value, tag: string, depth: number): void {
    const scan = this.#scan;
    const { text } = scan;
    const { elements } = plan;
    let i = 0;
    let count = 0;
    if (scan.selfClosing) {
      proveComplete(scan, elements, 0, elements.length, 0, tag);
      return;
    }
    if (this.#options.strict && elements.length === 0) this.#noBlanks(tag);
    for (;;) {
      let second = text.charCodeAt(scan.at + 1);
      if (text.charCodeAt(scan.at) !== lessThan || second < slash || second === questionMark) {
        scan.skipSpace();
        second = text.charCodeAt(scan.at + 1);
        if (text.charCodeAt(scan.at) !== lessThan || second === exclamationMark) throw this.#notAnElement(tag);
      }
      if (second === slash) {
        proveComplete(scan, elements, i, elements.length, count, tag);
        scan.endTag(tag);
        return;
      }
      const place = scan.at;
      const next = elementAhead(scan, elements, i, count, this.#defaultFamily);
      if (next >= 0) {
        // The usual case: one of the next elements, in the default namespace and without attributes.
        const item = elements[next] as ElementPlan;
        if (next !== i) count = 0;
        i = next;
        if (++count > item.max) throw tooMany(item, place);
        scan.at = place + item.name.length + 2;
        scan.selfClosing = false;
        scan.attributeCount = 0;
        const { simple } = item.type;
        const content =
          simple === undefined ? this.#typed(item.type, item.name, depth + 1) : this.#simple(simple, item.name);
        this.#store(value, item, content);
        continue;
      }
      const { defaultNamespace, prefixes } = scan;
      const defaultFamily = this.#defaultFamily;
      scan.at++;
      const name = scan.name();
      scan.attributes();
      if (scan.defaultNamespace !== defaultNamespace) this.#defaultFamily = this.#familyOf(scan.defaultNamespace);
      const resolved = this.#resolve(name);
      const found =
        resolved.family === undefined ? undefined : plan.index.get(elementKey(resolved.family, resolved.name));
      if (found === undefined) {
        this.#unknown(name, tag, place, depth + 1);
      } else {
        if (found < i) throw scan.fault('GTX-XML-013', `${name} stands in the wrong order in ${tag}`, place);
        if (found !== i) {
          proveComplete(scan, elements, i, found, count, tag, place);
          i = found;
          count = 0;
        }
        const item = elements[found] as ElementPlan;
        if (++count > item.max) throw tooMany(item, place);
        this.#store(value, item, this.#typed(item.type, name, depth + 1));
      }
      this.#leave(defaultNamespace, prefixes, defaultFamily);
    }
  }

  /** XML Schema allows comments in an element of empty content, but no blanks; devices that print neatly send them. */
  #noBlanks(tag: string): void {
    const scan = this.#scan;
    const start = scan.at;
    scan.skipSpace();
    if (scan.text.slice(start, scan.at).replace(/<!--[^]*?-->/g, '') !== '') {
      throw scan.fault('GTX-XML-016', `${tag} has no content`, start);
    }
  }

  #leave(defaultNamespace: string, prefixes: Scope, defaultFamily: Family | undefined): void {
    this.#scan.defaultNamespace = defaultNamespace;
    this.#scan.prefixes = prefixes;
    this.#defaultFamily = defaultFamily;
  }

  #store(value: Value, item: ElementPlan, content: unknown): void {
    if (item.max === 1) {
      value[item.name] = content;
      return;
    }
    const list = value[item.name];
    if (Array.isArray(list)) list.push(content);
    else value[item.name] = [content];
  }

  #unknown(name: string, tag: string, place: number, depth: number): void {
    if (this.#options.strict) throw this.#scan.fault('GTX-XML-012', `There is no element ${name} in ${tag}`, place);
    this.skipped++;
    skipElement(this.#scan, name, depth, this.#options.maxDepth);
  }

  #notAnElement(tag: string): XmlFault {
    const scan = this.#scan;
    return scan.at >= scan.text.length
      ? scan.fault('GTX-XML-001', 'The document ends too early')
      : scan.fault('GTX-XML-016', `Text stands between the elements of ${tag}`);
  }
}
