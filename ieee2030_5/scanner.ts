import { namespaceXsi } from './namespaces.ts';
import { decodeReferences } from './references.ts';
import { standsAt } from './sequence.ts';
import { XmlFault } from './xml-fault.ts';
import { isXmlText } from './xml-text.ts';

const maxAttributes = 64;
const lessThan = 60;
// XML 1.0 §2.3 [4] and [4a], without the colon; Namespaces in XML §4 [7].
const nameStart =
  'A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f' +
  '\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}';
const namePart = `[${nameStart}][${nameStart}\\-.0-9\\u00b7\\u0300-\\u036f\\u203f\\u2040]*`;
const qualifiedName = new RegExp(`${namePart}(?::${namePart})?`, 'uy');
const declaration =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][\w.-]*)"|'([A-Za-z][\w.-]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y;

const isSpace = (c: number): boolean => c === 32 || c === 10 || c === 13 || c === 9;
/** Characters that need a second look in text: controls, `&`, `]`, and those beyond ASCII. */
const isSpecial = (c: number): boolean => c < 32 || c === 38 || c === 93 || c >= 0x7f;

/** The prefixes in scope; `xml` and `xmlns` are bound by the recommendation itself. */
export type Scope = ReadonlyMap<string, string>;
const emptyScope: Scope = new Map([['xml', 'http://www.w3.org/XML/1998/namespace']]);

/**
 * XML 1.0 with namespaces, as far as 2030.5 documents need it, over one string: no DTD, no processing instructions,
 * no entities beyond the five and character references. Each method moves `at` behind what it read.
 */
export class Scanner {
  readonly text: string;
  /** The text's characters one by one, as `characters.ts` makes them: reading bytes is cheaper than reading a string. */
  readonly bytes: Uint8Array;
  at = 0;
  /** The tag just read ended in `/>`. */
  selfClosing = false;
  /** Attributes of the tag just read, without namespace declarations; the arrays may hold more of earlier tags. */
  attributeCount = 0;
  readonly attributeNames: string[] = [];
  readonly attributeValues: string[] = [];
  readonly attributePlaces: number[] = [];
  defaultNamespace = '';
  prefixes: Scope = emptyScope;

  constructor(text: string, bytes: Uint8Array) {
    this.text = text;
    this.bytes = bytes;
  }

  fault(code: XmlFault['code'], message: string, at: number = this.at): XmlFault {
    return new XmlFault(code, message, at);
  }

  /** The XML declaration, if there is one, and what may stand before the root element. */
  prolog(): void {
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1;
    if (this.text.startsWith('<?xml', this.at) && isSpace(this.text.charCodeAt(this.at + 5))) {
      declaration.lastIndex = this.at;
      const found = declaration.exec(this.text);
      if (found === null) throw this.fault('GTX-XML-001', 'The XML declaration is malformed');
      const encoding = found[1] ?? found[2] ?? 'UTF-8';
      if (encoding.toUpperCase() !== 'UTF-8') throw this.fault('GTX-XML-003', `The encoding ${encoding} is not UTF-8`);
      this.at = declaration.lastIndex;
    }
    this.skipSpace();
  }

  /** Whitespace and comments only, to the end. */
  epilog(): void {
    this.skipSpace();
    if (this.at < this.text.length) throw this.fault('GTX-XML-001', 'There is more after the root element');
  }

  /** Whitespace and comments. */
  skipSpace(): void {
    const { text } = this;
    for (;;) {
      while (isSpace(text.charCodeAt(this.at))) this.at++;
      if (text.charCodeAt(this.at) !== lessThan) return;
      const next = text.charCodeAt(this.at + 1);
      if (next === 63) throw this.fault('GTX-XML-002', 'Processing instructions are not allowed');
      if (next !== 33) return;
      if (!text.startsWith('<!--', this.at)) {
        if (text.startsWith('<![CDATA[', this.at)) return;
        throw this.fault('GTX-XML-002', 'Document type declarations are not allowed');
      }
      this.#comment();
    }
  }

  #comment(): void {
    const end = this.text.indexOf('--', this.at + 4);
    if (end < 0 || this.text.charCodeAt(end + 2) !== 62) throw this.fault('GTX-XML-001', 'A comment is malformed');
    this.#checkCharacters(this.text.slice(this.at + 4, end));
    this.at = end + 3;
  }

  #checkCharacters(part: string): void {
    if (!isXmlText(part)) throw this.fault('GTX-XML-001', 'A character is not allowed in XML');
  }

  /** The qualified name at `at`. */
  name(): string {
    qualifiedName.lastIndex = this.at;
    if (!qualifiedName.test(this.text)) throw this.fault('GTX-XML-001', this.#expected('a name'));
    const name = this.text.slice(this.at, qualifiedName.lastIndex);
    this.at = qualifiedName.lastIndex;
    return name;
  }

  #expected(what: string): string {
    return this.at >= this.text.length ? 'The document ends too early' : `Here must stand ${what}`;
  }

  /** The rest of a start tag, behind its name: attributes, then `>` or `/>`. Namespace declarations take effect. */
  attributes(): void {
    this.selfClosing = false;
    this.attributeCount = 0;
    if (this.text.charCodeAt(this.at) === 62) {
      this.at++;
      return;
    }
    this.#attributes();
  }

  #attributes(): void {
    const { text, attributeNames } = this;
    const declared: string[] = [];
    for (;;) {
      const before = this.at;
      while (isSpace(text.charCodeAt(this.at))) this.at++;
      const c = text.charCodeAt(this.at);
      if (c === 62) {
        this.at++;
        return;
      }
      if (c === 47 && text.charCodeAt(this.at + 1) === 62) {
        this.at += 2;
        this.selfClosing = true;
        return;
      }
      if (this.at === before) throw this.fault('GTX-XML-001', this.#expected('white space, > or />'));
      const place = this.at;
      const name = this.name();
      const twice = attributeNames.indexOf(name);
      if ((twice >= 0 && twice < this.attributeCount) || declared.includes(name)) {
        throw this.fault('GTX-XML-001', `The attribute ${name} stands twice`, place);
      }
      if (this.attributeCount + declared.length >= maxAttributes) {
        throw this.fault('GTX-XML-004', `An element has more than ${maxAttributes} attributes`);
      }
      const value = this.#attributeValue();
      if (name === 'xmlns' || name.startsWith('xmlns:')) {
        declared.push(name);
        this.#declare(name, value);
      } else {
        attributeNames[this.attributeCount] = name;
        this.attributeValues[this.attributeCount] = value;
        this.attributePlaces[this.attributeCount++] = place;
      }
    }
  }

  #declare(name: string, uri: string): void {
    if (name === 'xmlns') {
      this.defaultNamespace = uri;
      return;
    }
    const prefix = name.slice(6);
    if (uri === '' || prefix === 'xmlns' || prefix === 'xml') {
      throw this.fault('GTX-XML-001', `The prefix ${prefix} cannot be bound to ${JSON.stringify(uri)}`);
    }
    this.prefixes = new Map(this.prefixes).set(prefix, uri);
  }

  #attributeValue(): string {
    const { text } = this;
    while (isSpace(text.charCodeAt(this.at))) this.at++;
    if (text.charCodeAt(this.at) !== 61) throw this.fault('GTX-XML-001', this.#expected('='));
    this.at++;
    while (isSpace(text.charCodeAt(this.at))) this.at++;
    const quote = text.charCodeAt(this.at);
    if (quote !== 34 && quote !== 39) throw this.fault('GTX-XML-001', this.#expected('a quoted value'));
    const start = this.at + 1;
    let end = start;
    let special = false;
    for (; end < text.length; end++) {
      const c = text.charCodeAt(end);
      if (c === quote) break;
      if (c === lessThan) throw this.fault('GTX-XML-001', '< stands in the value of an attribute', end);
      if (isSpecial(c)) special = true;
    }
    if (end >= text.length) throw this.fault('GTX-XML-001', 'The document ends too early', end);
    const raw = text.slice(start, end);
    if (!special) {
      this.at = end + 1;
      return raw;
    }
    this.#checkCharacters(raw);
    const value = decodeReferences(raw.replace(/\r\n|[\t\r\n]/g, ' '));
    this.at = end + 1;
    return value;
  }

  /** The namespace of a prefix that an element, an attribute or a qualified name uses. */
  namespaceOf(prefix: string): string {
    const uri = this.prefixes.get(prefix);
    if (uri === undefined) throw this.fault('GTX-XML-001', `The prefix ${prefix} is not declared`);
    return uri;
  }

  /** Whether the attribute of this name belongs to XML Schema instances; its local name follows the colon. */
  isXsi(name: string): boolean {
    const colon = name.indexOf(':');
    return colon >= 0 && this.namespaceOf(name.slice(0, colon)) === namespaceXsi;
  }

  /**
   * Where the plain text at `at` ends (at the `<`), or -1 when it holds a comment, a section, a reference, or a
   * character that wants a second look: then `textContent` reads it.
   */
  plainTextEnd(): number {
    const { bytes } = this;
    for (let end = this.at; end < bytes.length; end++) {
      const c = bytes[end] as number;
      if (c === lessThan) return bytes[end + 1] === 33 || bytes[end + 1] === 63 ? -1 : end;
      if (isSpecial(c)) return -1;
    }
    throw this.fault('GTX-XML-001', 'The document ends too early', bytes.length);
  }

  /** Text with its references, comments and CDATA sections, up to the next tag. */
  textContent(): string {
    const { text } = this;
    let content = '';
    for (;;) {
      const end = text.indexOf('<', this.at);
      if (end < 0) throw this.fault('GTX-XML-001', 'The document ends too early', text.length);
      const raw = text.slice(this.at, end);
      if (raw.includes(']]>')) throw this.fault('GTX-XML-001', ']]> stands in text');
      this.#checkCharacters(raw);
      content += decodeReferences(raw.replace(/\r\n?/g, '\n'));
      this.at = end;
      if (text.startsWith('<!--', end)) this.#comment();
      else if (text.startsWith('<![CDATA[', end)) content += this.#section();
      else if (text.charCodeAt(end + 1) === 33 || text.charCodeAt(end + 1) === 63) {
        throw this.fault('GTX-XML-002', 'Declarations and processing instructions are not allowed');
      } else return content;
    }
  }

  #section(): string {
    const end = this.text.indexOf(']]>', this.at);
    if (end < 0) throw this.fault('GTX-XML-001', 'A CDATA section does not end');
    const raw = this.text.slice(this.at + 9, end);
    this.#checkCharacters(raw);
    this.at = end + 3;
    return raw.replace(/\r\n?/g, '\n');
  }

  /** The end tag of `name`; `at` stands on its `<`. `ending` is `name>` as bytes, where it is known. */
  endTag(name: string, ending?: Uint8Array): void {
    const { text, bytes } = this;
    if (bytes[this.at + 1] !== 47) throw this.#unexpectedEnd(name);
    if (ending !== undefined && standsAt(bytes, this.at + 2, ending)) {
      this.at += 2 + ending.length;
      return;
    }
    if (!text.startsWith(name, this.at + 2)) throw this.#unexpectedEnd(name);
    this.at += 2 + name.length;
    while (isSpace(text.charCodeAt(this.at))) this.at++;
    if (text.charCodeAt(this.at) !== 62) throw this.#unexpectedEnd(name);
    this.at++;
  }

  #unexpectedEnd(name: string): XmlFault {
    return this.fault('GTX-XML-001', this.#expected(`</${name}>`));
  }
}
