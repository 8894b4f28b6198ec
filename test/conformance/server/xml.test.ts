import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertHolds } from './elements.ts';
import { readDocument, sepNamespace } from '../xml.ts';
import { documentText } from './xml.ts';

test('what is written is read back: elements in their order, attributes, prefixes, signs that mean something', () => {
  const text = documentText('EndDevice', {
    '@href': '/edev/1?a=1&b="2"',
    lFDI: 'AB00',
    flag: true,
    Many: [{ value: 1 }, { value: 2 }],
    'csipaus:id': '<&>',
    absent: undefined,
  });
  const root = readDocument(text);
  assert.equal(root.name, 'EndDevice');
  assert.equal(root.attributes['xmlns'], sepNamespace);
  assert.equal(root.href, '/edev/1?a=1&b="2"');
  assert.deepEqual(
    root.children.map(({ name }) => name),
    ['lFDI', 'flag', 'Many', 'Many', 'id'],
  );
  assert.equal(root.value('lFDI'), 'AB00');
  assert.equal(root.value('id'), '<&>');
  assert.deepEqual(
    root.all('Many').map((item) => item.number('value')),
    [1, 2],
  );
  assert.equal(root.at('absent'), undefined);
});

test('digits stay text, so that hexBinary keeps its zeros', () => {
  assert.equal(readDocument('<a><b>0012</b><c>1e3</c></a>').value('b'), '0012');
  assert.equal(readDocument('<a><b>0012</b><c>1e3</c></a>').value('c'), '1e3');
});

test('what is not XML is refused', () => {
  for (const text of ['', 'hello', '<a>', '<a></b>']) assert.throws(() => readDocument(text), text);
});

test('an element holds what is asked for, whatever else it holds; anything else is told with its place', () => {
  const element = readDocument('<a href="/x"><b>1</b><c><d>2</d></c><e>1</e><e>2</e><f>true</f></a>');
  assertHolds(element, { href: '/x', b: 1, c: { d: 2 }, e: [1, 2], f: true, g: undefined });
  const wrong = [
    { href: '/y' },
    { b: 2 },
    { c: { d: 3 } },
    { c: { x: 1 } },
    { e: [1] },
    { e: [2, 1] },
    { f: false },
    { g: 1 },
  ];
  for (const wanted of wrong) assert.throws(() => assertHolds(element, wanted), /a\/|a:/, JSON.stringify(wanted));
});
