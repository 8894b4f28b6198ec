import type { Choose } from './choices.ts';
import type { Tree } from './tree.ts';

/** A fault put into a tree, in place. Returns false where the tree has nothing to hurt. */
export type Mutation = (tree: Tree, choose: Choose) => boolean;

const walk = function* (tree: Tree): Generator<Tree> {
  yield tree;
  for (const child of tree.children) yield* walk(child);
};
const some = (tree: Tree, choose: Choose, wanted: (item: Tree) => boolean): Tree | undefined => {
  const found = [...walk(tree)].filter(wanted);
  return found[choose(found.length)];
};
const withChildren = (item: Tree): boolean => item.children.length > 0;
const withText = (item: Tree): boolean => item.text !== undefined;
const ofElements = (item: Tree): boolean => item.text === undefined;
const clone = (tree: Tree): Tree => ({
  ...tree,
  attributes: tree.attributes.map(([name, value]) => [name, value]),
  children: tree.children.map(clone),
});
const leaf = (name: string, text: string, family: Tree['family']): Tree => ({
  family,
  name,
  text,
  attributes: [],
  children: [],
  xsiType: undefined,
  plan: undefined,
});

/** Texts at and beyond the borders of every simple type. */
const texts = [
  '',
  ' ',
  '0',
  '-0',
  '+0',
  '+1',
  '-1',
  '007',
  '00000000000000000000000000000001',
  '1.0',
  '1e3',
  '0x10',
  '1 2',
  'NaN',
  'abc',
  '127',
  '128',
  '-128',
  '-129',
  '255',
  '256',
  '32767',
  '32768',
  '-32768',
  '-32769',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '-2147483648',
  '-2147483649',
  '4294967295',
  '4294967296',
  '140737488355328',
  '140737488355329',
  '-140737488355328',
  '-140737488355329',
  '281474976710655',
  '281474976710656',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '18446744073709551615',
  '18446744073709551616',
  '99999999999999999999999999',
  '+',
  '-',
  '--1',
  '1-',
  '１',
  'true',
  'false',
  'TRUE',
  '1',
  'yes',
  ' true ',
  'A',
  'AB',
  'ABC',
  'abcd',
  'ABCDE',
  'ABCDEF',
  'GG',
  '0 1',
  '\u00a01',
  '0011223344556677',
  '00112233445566778',
  '00112233445566778899aabbccddeeff',
  '00112233445566778899AABBCCDDEEFF00',
  '00112233445566778899AABBCCDDEEFF00112233',
  '00112233445566778899AABBCCDDEEFF0011223344',
  'x'.repeat(6),
  'x'.repeat(7),
  'x'.repeat(16),
  'x'.repeat(17),
  'x'.repeat(20),
  'x'.repeat(21),
  'x'.repeat(32),
  'x'.repeat(33),
  'x'.repeat(42),
  'x'.repeat(43),
  'x'.repeat(192),
  'x'.repeat(193),
  '😀'.repeat(6),
  '😀'.repeat(7),
  '😀'.repeat(16),
  '😀'.repeat(17),
  '漢'.repeat(32),
  '漢'.repeat(33),
  ` ${'x'.repeat(6)} `,
  `${'x'.repeat(5)}\r\n`,
  '/a b',
  '/a%',
  '/a%2',
  '/a%20',
  '/a%zz',
  'http://h:80/',
  'http://h:x/',
  'http://[::1/',
  '//h',
  '::',
  ':a',
  'a:b',
  '1a:b',
  '#a#b',
  '/a?b?c',
  '/é',
  '/a|b',
  '/a\\b',
  '<',
  '[',
  '/[',
  '?[',
  '#[',
  'http://a@b@c/',
  'http:',
  '//',
  '///',
  '',
  '/a//b',
  'a//b',
];
const otherNames = ['unknown', 'mRID', 'href', 'EndDevice', 'value', 'status', 'opModImpLimW', 'x-1', '_x', 'Résumé'];
const otherTypes = [
  'EndDevice',
  'Resource',
  'DERControlList',
  'Response',
  'PriceResponse',
  'UInt8',
  'Nothing',
  'other:Type',
  '',
];

export const mutations: Readonly<Record<string, Mutation>> = {
  'drop an element': (tree, choose) => {
    const parent = some(tree, choose, withChildren);
    parent?.children.splice(choose(parent.children.length), 1);
    return parent !== undefined;
  },
  'double an element': (tree, choose) => {
    const parent = some(tree, choose, withChildren);
    if (parent === undefined) return false;
    const at = choose(parent.children.length);
    const one = parent.children[at];
    if (one !== undefined) parent.children.splice(at, 0, ...Array.from({ length: 1 + choose(11) }, () => clone(one)));
    return true;
  },
  'swap two elements': (tree, choose) => {
    const parent = some(tree, choose, (item) => item.children.length > 1);
    if (parent === undefined) return false;
    const at = choose(parent.children.length - 1);
    parent.children.splice(at, 2, ...parent.children.slice(at, at + 2).toReversed());
    return true;
  },
  'move an element elsewhere': (tree, choose) => {
    const from = some(tree, choose, withChildren);
    const to = some(tree, choose, ofElements);
    const one = from?.children[choose(from.children.length)];
    if (one === undefined || to === undefined) return false;
    to.children.splice(choose(to.children.length + 1), 0, clone(one));
    return true;
  },
  'rename an element': (tree, choose) => {
    const item = some(tree, choose, () => true);
    if (item !== undefined) item.name = otherNames[choose(otherNames.length)] ?? 'unknown';
    return item !== undefined;
  },
  'add an unknown element': (tree, choose) => {
    const parent = some(tree, choose, ofElements);
    const families: Tree['family'][] = ['sep', 'foreign', 'none', 'aus'];
    const name = otherNames[choose(otherNames.length)] ?? 'unknown';
    parent?.children.splice(choose(parent.children.length + 1), 0, leaf(name, '1', families[choose(4)] ?? 'sep'));
    return parent !== undefined;
  },
  'change a namespace': (tree, choose) => {
    const item = some(tree, choose, () => true);
    const families: Tree['family'][] = ['foreign', 'none', 'aus', 'sep'];
    if (item !== undefined) item.family = families[choose(4)] ?? 'foreign';
    return item !== undefined;
  },
  'change a value': (tree, choose) => {
    const item = some(tree, choose, withText);
    if (item !== undefined) item.text = texts[choose(texts.length)] ?? '';
    return item !== undefined;
  },
  'lengthen a value': (tree, choose) => {
    const item = some(tree, choose, withText);
    if (item?.text !== undefined) item.text += ['0', '00', ' ', 'x', '\n'][choose(5)] ?? '';
    return item !== undefined;
  },
  'put text between elements': (tree, choose) => {
    const parent = some(tree, choose, withChildren);
    const spaces: Tree = leaf('#text', ['x', ' ', '1'][choose(3)] ?? 'x', 'sep');
    parent?.children.splice(choose(parent.children.length + 1), 0, spaces);
    return parent !== undefined;
  },
  'put an element into a value': (tree, choose) => {
    const item = some(tree, choose, withText);
    if (item === undefined) return false;
    item.text = undefined;
    item.children.push(leaf('value', '1', 'sep'));
    return true;
  },
  'change an attribute': (tree, choose) => {
    const item = some(tree, choose, ({ attributes }) => attributes.length > 0);
    const attribute = item?.attributes[choose(item.attributes.length)];
    if (attribute !== undefined) attribute[1] = texts[choose(texts.length)] ?? '';
    return attribute !== undefined;
  },
  'drop an attribute': (tree, choose) => {
    const item = some(tree, choose, ({ attributes }) => attributes.length > 0);
    item?.attributes.splice(choose(item.attributes.length), 1);
    return item !== undefined;
  },
  'add an attribute': (tree, choose) => {
    const item = some(tree, choose, () => true);
    const names = [
      'href',
      'all',
      'results',
      'pollRate',
      'subscribable',
      'unknown',
      'other:x',
      'xml:lang',
      'xsi:nil',
      'xsi:type',
      'undeclared:x',
    ];
    const name = names[choose(names.length)] ?? 'unknown';
    item?.attributes.push([name, ['1', '0', 'true', 'en', 'Resource'][choose(5)] ?? '1']);
    return item !== undefined;
  },
  'change an xsi:type': (tree, choose) => {
    const item = some(tree, choose, ({ xsiType }) => xsiType !== undefined) ?? some(tree, choose, () => true);
    if (item !== undefined) item.xsiType = otherTypes[choose(otherTypes.length)];
    return item !== undefined;
  },
  'change nothing': () => true,
};

/** Faults of the text itself, after it has been written. */
export const textMutations: Readonly<Record<string, (text: string, choose: Choose) => string>> = {
  'cut the end off': (text, choose) => text.slice(0, choose(text.length)),
  'drop one character': (text, choose) => {
    const at = choose(text.length);
    return text.slice(0, at) + text.slice(at + 1);
  },
  'put in one character': (text, choose) => {
    const at = choose(text.length + 1);
    const odd = [
      '<',
      '>',
      '&',
      '"',
      "'",
      '/',
      '=',
      ' ',
      ':',
      ';',
      '!',
      '?',
      '\0',
      '\u0001',
      '\uffff',
      '0',
      'x',
      ']]>',
      '&#0;',
      '&#32;',
      '&lt;',
      '&nbsp;',
    ];
    return text.slice(0, at) + (odd[choose(odd.length)] ?? '<') + text.slice(at);
  },
  'put in a construct': (text, choose) => {
    const at = text.indexOf('>', choose(text.length)) + 1;
    const odd = [
      '<?pi x?>',
      '<!DOCTYPE a>',
      '<![CDATA[]]>',
      '<![CDATA[ ]]>',
      '<!-- a -- b -->',
      '<!--->',
      '<a/>',
      '</a>',
      '<a',
      '&amp;',
      '<!ELEMENT a ANY>',
      '<?xml version="1.0"?>',
    ];
    return text.slice(0, at) + (odd[choose(odd.length)] ?? '<a/>') + text.slice(at);
  },
  'change the declaration': (text, choose) => {
    const odd = [
      '<?xml version="1.1"?>',
      '<?xml version="1.0" encoding="ISO-8859-1"?>',
      '<?xml version="1.0" encoding="utf8"?>',
      '<?xml?>',
      ' <?xml version="1.0"?>',
      '<?xml encoding="UTF-8"?>',
      '<?xml version="1.0" standalone="yes"?>',
      '<?xml version="1.0" standalone="maybe"?>',
      '<?XML version="1.0"?>',
      '\ufeff',
      '\ufeff<?xml version="1.0"?>',
    ];
    return (odd[choose(odd.length)] ?? '') + text.replace(/^<\?xml[^>]*>/, '');
  },
};
