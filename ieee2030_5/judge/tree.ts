import type { Choose } from './choices.ts';
import type { Family, RootPlan, TypePlan } from '../plans.ts';
import type { Schema } from '../schema.ts';
import type { SimplePlan } from '../simple.ts';
import { namespaceXsi } from '../namespaces.ts';

/** An element as the tests write it: a writer of their own, so that one mistake cannot hide on both sides. */
export interface Tree {
  family: Family | 'none' | 'foreign';
  name: string;
  attributes: [name: string, value: string][];
  xsiType: string | undefined;
  children: Tree[];
  /** Text content; undefined for an element of elements. */
  text: string | undefined;
  /** What the schema says about the element; undefined for one that it does not know. */
  plan: TypePlan | undefined;
}

const simpleText = (plan: SimplePlan, value: unknown): string => {
  if (plan.kind === 'hexBinary') return Buffer.from(value as Uint8Array).toString('hex');
  return String(value);
};

/** The tree of a value. */
export function treeOf(schema: Schema, root: RootPlan, value: unknown): Tree {
  return element(schema, root.family, root.name, root.type, value);
}

function element(schema: Schema, family: Family, name: string, declared: TypePlan, value: unknown): Tree {
  const base = { family, name, attributes: [], xsiType: undefined, children: [], text: undefined };
  if (declared.simple !== undefined) {
    return { ...base, attributes: [], children: [], text: simpleText(declared.simple, value), plan: declared };
  }
  const members = value as Readonly<Record<string, unknown>>;
  const xsiType = members['xsiType'] as string | undefined;
  const plan = xsiType === undefined ? declared : (schema.type('sep', xsiType) ?? declared);
  const tree: Tree = { ...base, attributes: [], children: [], xsiType, plan };
  for (const item of plan.attributes) {
    const attribute = members[item.name];
    if (attribute !== undefined) tree.attributes.push([item.name, simpleText(item.simple, attribute)]);
  }
  for (const item of plan.elements) {
    const content = members[item.name];
    if (content === undefined) continue;
    for (const one of item.max === 1 ? [content] : (content as unknown[])) {
      tree.children.push(element(schema, item.family, item.name, item.type, one));
    }
  }
  return tree;
}

/** The ways to write one document that mean the same; `choose` picks among them. */
export interface Style {
  readonly choose: Choose;
  readonly namespaces: Readonly<Record<Family, string>>;
}

/** XML text of a tree, in one of the many ways that XML allows. */
export function xmlOf(tree: Tree, style: Style): string {
  return new Serializer(style).document(tree);
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

class Serializer {
  readonly #choose: Choose;
  readonly #namespaces: Style['namespaces'];
  /** Whether 2030.5 elements carry a prefix. */
  readonly #prefixed: boolean;

  constructor({ choose, namespaces }: Style) {
    this.#choose = choose;
    this.#namespaces = namespaces;
    this.#prefixed = choose(4) === 3;
  }

  document(tree: Tree): string {
    const head = this.#pick(
      '',
      '<?xml version="1.0" encoding="UTF-8"?>',
      "<?xml version='1.0' encoding='utf-8' ?>\r\n",
    );
    const declarations = [
      this.#prefixed ? `xmlns:s="${this.#namespaces.sep}"` : `xmlns="${this.#namespaces.sep}"`,
      `xmlns:csipaus="${this.#namespaces.aus}"`,
      `xmlns:gtx='${this.#namespaces.gtx}'`,
      'xmlns:other="urn:example:other"',
      `xmlns:xsi="${namespaceXsi}"`,
    ];
    if (this.#choose(6) === 1) declarations.push('xsi:schemaLocation="urn:ieee:std:2030.5:ns sep.xsd"');
    return `${head}${this.#between()}${this.#element(tree, declarations)}${this.#between()}`;
  }

  #pick(...ways: readonly [string, ...string[]]): string {
    return ways[this.#choose(ways.length)] ?? ways[0];
  }

  #between(): string {
    return this.#pick('', '', '', '\n', '  ', '\r\n\t', '<!-- a comment & more -->', '\n<!---->\n');
  }

  /** An element of empty content takes comments, but no blanks. */
  #last(tree: Tree): string {
    return tree.plan?.elements.length === 0 ? this.#pick('', '', '<!-- empty -->') : this.#between();
  }

  #tag(tree: Tree): string {
    switch (tree.family) {
      case 'sep':
        return this.#prefixed ? `s:${tree.name}` : tree.name;
      case 'aus':
        return `csipaus:${tree.name}`;
      case 'gtx':
        return `gtx:${tree.name}`;
      case 'foreign':
        return `other:${tree.name}`;
      case 'none':
      default:
        return tree.name;
    }
  }

  #element(tree: Tree, declarations: readonly string[] = []): string {
    if (tree.name === '#text') return tree.text ?? '';
    const tag = this.#tag(tree);
    const attributes = [...declarations];
    if (tree.family === 'none') attributes.push('xmlns=""');
    for (const [name, value] of tree.attributes) attributes.push(this.#attribute(name, value));
    if (tree.xsiType !== undefined) {
      const type = this.#prefixed ? `s:${tree.xsiType}` : tree.xsiType;
      attributes.push(this.#attribute('xsi:type', type));
    }
    if (this.#choose(5) === 4) attributes.reverse();
    const gap = this.#pick(' ', ' ', '\n  ');
    const start = `<${tag}${attributes.map((item) => gap + item).join('')}${this.#pick('', '', ' ')}`;
    const content =
      tree.text === undefined
        ? tree.children.map((child) => this.#between() + this.#element(child)).join('') + this.#last(tree)
        : this.#text(tree.text, tree.plan?.simple?.kind !== 'string');
    if (content === '' && this.#choose(2) === 0) return `${start}/>`;
    return `${start}>${content}</${tag}${this.#pick('', '', '\n')}>`;
  }

  #attribute(name: string, value: string): string {
    const quote = this.#pick('"', "'");
    const escaped = value
      .replace(/[&<>"']/g, (c) => escapes[c] ?? c)
      .replace(/[\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
    return `${name}${this.#pick('=', '=', ' = ')}${quote}${escaped}${quote}`;
  }

  /** Text with the escapes that it needs, some that it does not, and where they cannot matter, blanks around it. */
  #text(value: string, collapses: boolean): string {
    const written = value
      .replace(/[&<>]/g, (c) => escapes[c] ?? c)
      .replace(/\r/g, () => this.#pick('&#13;', '&#xD;', '&#x0d;'));
    switch (this.#choose(12)) {
      case 1:
        return collapses ? `\n ${written}\t` : written;
      case 2:
        return written.includes('&') || written.includes(']') ? written : `<![CDATA[${written}]]>`;
      case 3:
        return `<!-- before -->${written}`;
      case 4:
        return written.replace(/^[A-Za-z0-9]/, (c) => `&#x${c.charCodeAt(0).toString(16)};`);
      default:
        return written;
    }
  }
}
