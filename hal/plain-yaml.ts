/**
 * What the text of a plain YAML 1.2 file says, or `undefined` for one that needs a reader of all of YAML: with anchors,
 * tags, block scalars, texts over several lines, escapes or anything wrong in it. A program that reads only plain files,
 * as nearly all are, does without the 70 modules of such a reader.
 */
export function plainYaml(text: string): { readonly value: unknown } | undefined {
  try {
    const reader = new Reader(linesOf(text));
    const value = reader.block(0);
    return reader.isAtEnd ? { value } : undefined;
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

class NotPlain extends Error {}

interface Line {
  readonly indent: number;
  /** Without the indentation. */
  readonly text: string;
}

const deepest = 32;
/** Tabs, line ends of other systems, marks of the byte order, and what a text must not have at all. */
const strange = /[^\n\x20-\x7e\u00a0-\u2027\u2030-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;
const comment = /^ *(#.*)?$/;
const key = /^([A-Za-z_$][\w$-]*)(?=:(?: |$))|^"([^"\\]*)"(?=:(?: |$))/;
const flowKey = /^([A-Za-z_$][\w$-]*)(?=: )|^"([^"\\]*)"(?=:)/;
/** A text without quotes: no indicator begins it, and no colon before a space, `#` or bracket is in it. */
const plain = /^[\p{L}\d_/.+-][^:#{}[\],]*(?::[^\s:#{}[\],][^:#{}[\],]*)*/u;
const integer = /^-?(?:0|[1-9]\d{0,14})$/;
const decimal = /^-?(?:0|[1-9]\d{0,14})\.\d{1,15}$/;
/** What may be no text to the core schema, and what people write for a value of another kind. */
const ambiguous = /^(?:[-+.\d]|(?:true|false|null|yes|no|on|off|y|n)$)/i;

function linesOf(text: string): Line[] {
  if (strange.test(text)) throw new NotPlain();
  return text.split('\n').flatMap((line) => {
    if (comment.test(line)) return [];
    const content = line.trimStart();
    return [{ indent: line.length - content.length, text: content }];
  });
}

class Reader {
  readonly #lines: Line[];
  #at = 0;
  #depth = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#lines.length;
  }

  /** The mapping, list or value that begins at the next line, which has this indentation. */
  block(indent: number): unknown {
    const line = this.#lines[this.#at];
    if (line === undefined || line.indent !== indent || ++this.#depth > deepest) throw new NotPlain();
    const value = isItem(line) ? this.#list(indent) : key.test(line.text) ? this.#mapping(indent) : this.#lone(line);
    this.#depth--;
    return value;
  }

  /** A document or an item that is one value. */
  #lone({ text }: Line): unknown {
    this.#at++;
    return inlineValue(text);
  }

  #mapping(indent: number): Record<string, unknown> {
    const mapping: Record<string, unknown> = {};
    for (let line = this.#lines[this.#at]; line?.indent === indent && !isItem(line); line = this.#lines[this.#at]) {
      const [whole, bare, quoted] = key.exec(line.text) ?? [];
      if (whole === undefined) throw new NotPlain();
      this.#at++;
      const rest = line.text.slice(whole.length + 1);
      put(mapping, bare ?? quoted ?? '', comment.test(rest) ? this.#below(indent) : inlineValue(rest));
    }
    return mapping;
  }

  #list(indent: number): unknown[] {
    const list: unknown[] = [];
    for (let line = this.#lines[this.#at]; line?.indent === indent && isItem(line); line = this.#lines[this.#at]) {
      const rest = line.text.slice(1);
      if (comment.test(rest)) throw new NotPlain();
      // What stands after the dash is a block of its own, as if it stood below.
      const text = rest.trimStart();
      const inner = { indent: indent + line.text.length - text.length, text };
      this.#lines[this.#at] = inner;
      list.push(this.block(inner.indent));
    }
    return list;
  }

  /** The value of a key that has none on its line. */
  #below(indent: number): unknown {
    const next = this.#lines[this.#at];
    if (next === undefined || next.indent < indent || (next.indent === indent && !isItem(next))) throw new NotPlain();
    return this.block(next.indent);
  }
}

const isItem = ({ text }: Line): boolean => text === '-' || text.startsWith('- ');

function put(mapping: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__' || name === '' || Object.hasOwn(mapping, name)) throw new NotPlain();
  mapping[name] = value;
}

/** A value that is whole within its line; a comment may follow it. */
function inlineValue(text: string): unknown {
  const cursor = new Cursor(text);
  const value = cursor.value(false);
  const rest = cursor.rest;
  if (!comment.test(rest) || rest.startsWith('#')) throw new NotPlain();
  return value;
}

class Cursor {
  rest: string;
  #depth = 0;

  constructor(text: string) {
    this.rest = text;
  }

  value(isInFlow: boolean): unknown {
    this.rest = this.rest.trimStart();
    if (++this.#depth > deepest) throw new NotPlain();
    const value = this.#any(isInFlow);
    this.#depth--;
    return value;
  }

  #any(isInFlow: boolean): unknown {
    const first = this.rest[0];
    if (first === '{') return this.#mapping();
    if (first === '[') return this.#list();
    if (first === '"') return this.#take(/^"([^"\\]*)"/)[1];
    if (first === "'") return this.#take(/^'((?:[^']|'')*)'/)[1]!.replaceAll("''", "'");
    const [found] = this.#take(plain);
    const text = found.trimEnd();
    // A comment and a key need a space about them, which the text has lost.
    if (/^[#:]/.test(this.rest) && found === text) throw new NotPlain();
    if (this.rest.startsWith('#')) this.rest = ` ${this.rest}`;
    else if (isInFlow ? !/^[,}\]]/.test(this.rest) : this.rest !== '') throw new NotPlain();
    return scalar(text);
  }

  #mapping(): Record<string, unknown> {
    const mapping: Record<string, unknown> = {};
    this.#take(/^\{ */);
    while (!this.rest.startsWith('}')) {
      const [whole, bare, quoted] = this.#take(flowKey);
      if (this.rest[0] !== ':' || whole === '') throw new NotPlain();
      this.rest = this.rest.slice(1);
      put(mapping, bare ?? quoted ?? '', this.value(true));
      this.#separator('}');
    }
    this.rest = this.rest.slice(1);
    return mapping;
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    this.#take(/^\[ */);
    while (!this.rest.startsWith(']')) {
      list.push(this.value(true));
      this.#separator(']');
    }
    this.rest = this.rest.slice(1);
    return list;
  }

  #separator(end: string): void {
    this.rest = this.rest.trimStart();
    if (this.rest.startsWith(',')) {
      this.rest = this.rest.slice(1).trimStart();
      if (this.rest.startsWith(end) || this.rest.startsWith(',')) throw new NotPlain();
    } else if (!this.rest.startsWith(end)) throw new NotPlain();
  }

  #take(pattern: RegExp): RegExpExecArray {
    const found = pattern.exec(this.rest);
    if (found === null) throw new NotPlain();
    this.rest = this.rest.slice(found[0].length);
    return found;
  }
}

function scalar(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === 'null') return null;
  if (integer.test(text) || decimal.test(text)) return Number(text);
  if (ambiguous.test(text)) throw new NotPlain();
  return text;
}
