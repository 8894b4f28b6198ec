import { XMLParser } from 'fast-xml-parser';

/** The part of an XSD that the wire depends on; annotations are left behind. */
export interface Xsd {
  readonly simple: ReadonlyMap<string, SimpleType>;
  readonly complex: ReadonlyMap<string, ComplexType>;
  /** Global elements: name → type name. */
  readonly elements: ReadonlyMap<string, string>;
  /** Complex types that the schema redefines: what it appends to each. */
  readonly redefined: ReadonlyMap<string, ComplexType>;
}

export interface SimpleType {
  readonly base: string;
  readonly facets: ReadonlyMap<string, string>;
}

export interface ComplexType {
  readonly base: string | undefined;
  /** The content is text of the base type. */
  readonly text: boolean;
  readonly elements: readonly Particle[];
  readonly attributes: readonly Attribute[];
}

export interface Particle {
  /** As written in the XSD: a `ref` keeps its prefix. */
  readonly name: string;
  readonly type: string | undefined;
  readonly min: number;
  readonly max: number;
}

export interface Attribute {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
}

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const children = (node: Node, tag: string): Node[] => {
  const found = node[`xs:${tag}`];
  return (Array.isArray(found) ? found : [found]).filter(isNode);
};
const child = (node: Node, tag: string): Node | undefined => children(node, tag)[0];
const text = (node: Node, name: string): string | undefined => {
  const value = node[`@${name}`];
  return typeof value === 'string' ? value : undefined;
};
const needed = (node: Node, name: string): string => {
  const value = text(node, name);
  if (value === undefined) throw new TypeError(`The XSD has an element without its attribute ${name}`);
  return value;
};
/** `bs:ActivePower` and `xs:boolean` are known by their local names: no two namespaces share one. */
const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Reads an XSD of the shape that IEEE 2030.5 and CSIP-AUS use: sequences only, no choice, group or wildcard. */
export function readXsd(source: string): Xsd {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseAttributeValue: false });
  const schema = (parser.parse(source) as Node)['xs:schema'];
  if (!isNode(schema)) throw new TypeError('The XSD has no xs:schema');
  const simple = new Map<string, SimpleType>();
  for (const node of children(schema, 'simpleType')) simple.set(needed(node, 'name'), simpleType(node));
  const redefine = child(schema, 'redefine');
  return {
    simple,
    complex: complexTypes(schema),
    elements: new Map(
      children(schema, 'element').map((node) => [needed(node, 'name'), local(needed(node, 'type'))] as const),
    ),
    redefined: redefine === undefined ? new Map() : complexTypes(redefine),
  };
}

function simpleType(node: Node): SimpleType {
  const restriction = child(node, 'restriction');
  if (restriction === undefined) throw new TypeError('The XSD has a simple type that is not a restriction');
  const facets = new Map<string, string>();
  for (const facet of ['maxLength', 'minInclusive', 'maxInclusive']) {
    const found = child(restriction, facet);
    if (found !== undefined) facets.set(facet, needed(found, 'value'));
  }
  return { base: local(needed(restriction, 'base')), facets };
}

const complexTypes = (parent: Node): Map<string, ComplexType> =>
  new Map(children(parent, 'complexType').map((node) => [needed(node, 'name'), complexType(node)] as const));

function complexType(node: Node): ComplexType {
  const simpleContent = child(node, 'simpleContent');
  const wrapper = simpleContent ?? child(node, 'complexContent');
  const body = wrapper === undefined ? node : child(wrapper, 'extension');
  if (body === undefined) throw new TypeError(`The XSD restricts ${text(node, 'name')}, which is not supported`);
  const base = text(body, 'base');
  return {
    base: base === undefined ? undefined : local(base),
    text: simpleContent !== undefined,
    elements: children(body, 'sequence').flatMap((sequence) => children(sequence, 'element').map(particle)),
    attributes: children(body, 'attribute').map((attribute) => ({
      name: needed(attribute, 'name'),
      type: local(needed(attribute, 'type')),
      required: text(attribute, 'use') === 'required',
    })),
  };
}

function particle(node: Node): Particle {
  const max = text(node, 'maxOccurs') ?? '1';
  const type = text(node, 'type');
  return {
    name: text(node, 'ref') ?? needed(node, 'name'),
    type: type === undefined ? undefined : local(type),
    min: Number(text(node, 'minOccurs') ?? '1'),
    max: max === 'unbounded' ? Number.POSITIVE_INFINITY : Number(max),
  };
}
