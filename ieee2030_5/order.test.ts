import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choicesOf } from './judge/choices.ts';
import { type Tree, treeOf, xmlOf } from './judge/tree.ts';
import { Values } from './judge/values.ts';
import { namespace2018, namespaceCsipAus13, namespaceExtension } from './namespaces.ts';
import { parseAs, parseDocument } from './parse.ts';
import { schemaOf } from './schema.ts';

const schema = schemaOf('any');
const values = new Values(schema);
const documents = fc
  .constantFrom(...schema.roots())
  .chain((root) => fc.record({ root: fc.constant(root), value: values.document(root), seed: fc.nat() }));
const namespaces = { sep: namespace2018, aus: namespaceCsipAus13, gtx: namespaceExtension };

/** Every element's children in another order; those of one name keep theirs, for it means something. */
function shuffle(tree: Tree, choose: (count: number) => number): void {
  const { children } = tree;
  const names = children.map((_, i) => i);
  for (let i = names.length - 1; i > 0; i--) {
    const j = choose(i + 1);
    [names[i], names[j]] = [names[j] as number, names[i] as number];
  }
  const groups = new Map<string, Tree[]>();
  for (const child of children) {
    const key = `${child.family} ${child.name}`;
    groups.set(key, [...(groups.get(key) ?? []), child]);
  }
  tree.children = names.map((i) => {
    const { family, name } = children[i] as Tree;
    return groups.get(`${family} ${name}`)?.shift() as Tree;
  });
  for (const child of tree.children) shuffle(child, choose);
}

test('any permutation of the elements is read as the ordered document, when the caller takes any order', () => {
  let refused = 0;
  fc.assert(
    fc.property(documents, ({ root, value, seed }) => {
      const choose = choicesOf(seed);
      const tree = treeOf(schema, root, value);
      const ordered = xmlOf(tree, { choose: choicesOf(seed), namespaces });
      shuffle(tree, choose);
      const permuted = xmlOf(tree, { choose, namespaces });
      assert.deepEqual(parseDocument(ordered, { order: 'any' }).value, value);
      assert.deepEqual(parseDocument(permuted, { order: 'any', strict: true }).value, value, permuted);
      try {
        parseDocument(permuted);
      } catch {
        refused++;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(refused > 30, `the schema's order is the default: ${refused} of 300 refused`);
});

test('in any order, elements are still counted: none that is required may be missing, none may stand too often', () => {
  const power = (inner: string): string => `<ActivePower xmlns="${namespace2018}">${inner}</ActivePower>`;
  const read = (inner: string): unknown => parseAs('ActivePower', power(inner), { order: 'any' });
  assert.deepEqual(read('<value>1</value><multiplier>2</multiplier>'), { multiplier: 2, value: 1 });
  assert.throws(() => read('<value>1</value>'), { code: 'GTX-XML-014' });
  assert.throws(() => read('<value>1</value><multiplier>2</multiplier><value>1</value>'), { code: 'GTX-XML-015' });
  assert.throws(() => read('<value>1</value>x<multiplier>2</multiplier>'), { code: 'GTX-XML-016' });
  assert.deepEqual(read('<value>1</value><new><a/></new><multiplier>2</multiplier>'), { multiplier: 2, value: 1 });
});
