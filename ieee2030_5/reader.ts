import { instanceType, takeAttributes } from './attributes.ts';
import { DocumentState, type ReaderOptions } from './document-state.ts';
import type { Form } from './edition-2013.ts';
import { type ElementPlan, elementKey, type RootPlan, type TypePlan } from './plans.ts';
import { Order } from './order.ts';
import { elementAhead, proveComplete, tooMany } from './sequence.ts';
import { readSimple, type SimplePlan } from './simple.ts';
import type { XmlFault } from './xml-fault.ts';

type Value = Record<string, unknown>;

const lessThan = 60;
const slash = 47;
const questionMark = 63;
const exclamationMark = 33;

/** One document against one schema, in a single pass. */
export class Reader {
  readonly state: DocumentState;

  constructor(text: string, bytes: Uint8Array, options: ReaderOptions) {
    this.state = new DocumentState(text, bytes, options);
  }

  /** The document: its root element and that element's value. */
  document(): { root: RootPlan; value: unknown } {
    const { state } = this;
    const { scan } = state;
    scan.prolog();
    if (scan.text.charCodeAt(scan.at) !== lessThan) throw scan.fault('GTX-XML-001', 'Here must stand an element');
    const place = scan.at++;
    const tag = scan.name();
    scan.attributes();
    state.defaultFamily = state.familyOf(scan.defaultNamespace);
    const { family, name, namespace } = state.resolve(tag);
    if (family === undefined) {
      throw scan.fault(
        'GTX-XML-011',
        `The namespace ${JSON.stringify(namespace)} of ${tag} is not one of 2030.5`,
        place,
      );
    }
    state.chooseEdition();
    const root = state.schema.root(family, name);
    if (root === undefined) throw scan.fault('GTX-XML-010', `There is no document ${name}`, place);
    const value = this.#typed(root.type, tag, undefined, 1);
    scan.epilog();
    return { root, value };
  }

  /**
   * The value of an element whose start tag has been read. `ending` is the end tag as `Scanner.endTag` takes it, where
   * it is known.
   */
  #typed(declared: TypePlan, tag: string, ending: Uint8Array | undefined, depth: number): unknown {
    const { state } = this;
    const { scan } = state;
    const plan = scan.attributeCount === 0 ? declared : instanceType(state, declared);
    const { attributeCount } = scan;
    if (plan.simple !== undefined) {
      if (attributeCount > 0) takeAttributes(state, plan, {});
      return this.#simple(plan.simple, tag, ending);
    }
    if (depth > state.options.maxDepth) {
      throw scan.fault('GTX-XML-005', `Elements are nested deeper than ${state.options.maxDepth}`);
    }
    const value: Value = plan === declared ? {} : { xsiType: plan.name };
    if (attributeCount > 0 || plan.hasRequiredAttributes) takeAttributes(state, plan, value);
    this.#content(plan, value, tag, ending, depth);
    if (plan.form !== undefined) this.#toForm2018(plan, plan.form, value, tag);
    return value;
  }

  #toForm2018(plan: TypePlan, form: Form, value: Value, tag: string): void {
    form.fromPeer(value);
    for (const name of plan.requiredLater) {
      if (value[name] === undefined) throw this.state.scan.fault('GTX-XML-014', `${name} is missing in ${tag}`);
    }
  }

  /** The value of an element whose content is text; `at` stands behind its start tag. */
  #simple(plan: SimplePlan, tag: string, ending: Uint8Array | undefined): unknown {
    const { scan } = this.state;
    if (scan.selfClosing) return readSimple(plan, '', 0, 0);
    const start = scan.at;
    const end = scan.plainTextEnd();
    if (end < 0) return this.#mixed(plan, tag, ending);
    // A fault of the value is reported where the value starts, so `at` waits.
    const value = readSimple(plan, scan.text, start, end);
    scan.at = end;
    this.#endOfValue(tag, ending);
    return value;
  }

  /** A value whose text holds references, comments or CDATA sections. */
  #mixed(plan: SimplePlan, tag: string, ending: Uint8Array | undefined): unknown {
    const { scan } = this.state;
    const start = scan.at;
    const content = scan.textContent();
    const end = scan.at;
    scan.at = start;
    const value = readSimple(plan, content, 0, content.length);
    scan.at = end;
    this.#endOfValue(tag, ending);
    return value;
  }

  #endOfValue(tag: string, ending: Uint8Array | undefined): void {
    const { scan } = this.state;
    if (scan.bytes[scan.at + 1] !== slash) throw scan.fault('GTX-XML-016', `${tag} holds a value, not elements`);
    scan.endTag(tag, ending);
  }

  /** The elements of a type, in its order unless the caller takes any. */
  #content(plan: TypePlan, value: Value, tag: string, ending: Uint8Array | undefined, depth: number): void {
    const { state } = this;
    const { scan } = state;
    const { elements } = plan;
    const order = state.options.anyOrder ? new Order(elements) : undefined;
    const { selfClosing } = scan;
    let i = 0;
    let count = 0;
    if (state.options.strict && elements.length === 0 && !selfClosing) this.#noBlanks(tag);
    for (;;) {
      if (selfClosing || !this.#atChild(tag)) break;
      const place = scan.at;
      const next = order === undefined ? elementAhead(scan, elements, i, count, state.defaultFamily) : -1;
      if (next >= 0) {
        // The usual case: one of the next elements, in the default namespace and without attributes.
        const item = elements[next] as ElementPlan;
        if (next !== i) count = 0;
        i = next;
        if (++count > item.max) throw tooMany(item, place);
        scan.at = place + item.ending.length + 1;
        scan.selfClosing = false;
        scan.attributeCount = 0;
        const { simple } = item.type;
        const content =
          simple === undefined
            ? this.#typed(item.type, item.name, item.ending, depth + 1)
            : this.#simple(simple, item.name, item.ending);
        store(value, item, content);
        continue;
      }
      const { defaultNamespace, prefixes } = scan;
      const { defaultFamily } = state;
      scan.at++;
      const name = scan.name();
      scan.attributes();
      if (scan.defaultNamespace !== defaultNamespace) state.defaultFamily = state.familyOf(scan.defaultNamespace);
      const resolved = state.resolve(name);
      const found =
        resolved.family === undefined ? undefined : plan.index.get(elementKey(resolved.family, resolved.name));
      if (found === undefined) {
        state.skip(name, tag, place, depth + 1);
      } else {
        const item = elements[found] as ElementPlan;
        if (order !== undefined) {
          order.take(found, place);
        } else {
          if (found < i) throw scan.fault('GTX-XML-013', `${name} stands in the wrong order in ${tag}`, place);
          if (found !== i) {
            proveComplete(scan, elements, i, found, count, tag, place);
            i = found;
            count = 0;
          }
          if (++count > item.max) throw tooMany(item, place);
        }
        store(value, item, this.#typed(item.type, name, undefined, depth + 1));
      }
      scan.defaultNamespace = defaultNamespace;
      scan.prefixes = prefixes;
      state.defaultFamily = defaultFamily;
    }
    if (order === undefined) proveComplete(scan, elements, i, elements.length, count, tag);
    else order.proveComplete(scan, tag);
    if (!selfClosing) scan.endTag(tag, ending);
  }

  /** Whether a child's start tag comes next; else the end tag does. */
  #atChild(tag: string): boolean {
    const { scan } = this.state;
    const { bytes } = scan;
    let second = bytes[scan.at + 1] ?? 0;
    if (bytes[scan.at] !== lessThan || second < slash || second === questionMark) {
      scan.skipSpace();
      second = bytes[scan.at + 1] ?? 0;
      if (bytes[scan.at] !== lessThan || second === exclamationMark) throw this.#notAnElement(tag);
    }
    return second !== slash;
  }

  /** XML Schema allows comments in an element of empty content, but no blanks; devices that print neatly send them. */
  #noBlanks(tag: string): void {
    const { scan } = this.state;
    const start = scan.at;
    scan.skipSpace();
    if (scan.text.slice(start, scan.at).replace(/<!--[^]*?-->/g, '') !== '') {
      throw scan.fault('GTX-XML-016', `${tag} has no content`, start);
    }
  }

  #notAnElement(tag: string): XmlFault {
    const { scan } = this.state;
    return scan.at >= scan.text.length
      ? scan.fault('GTX-XML-001', 'The document ends too early')
      : scan.fault('GTX-XML-016', `Text stands between the elements of ${tag}`);
  }
}

function store(value: Value, item: ElementPlan, content: unknown): void {
  if (item.max === 1) {
    value[item.name] = content;
    return;
  }
  const list = value[item.name];
  if (Array.isArray(list)) list.push(content);
  else value[item.name] = [content];
}
