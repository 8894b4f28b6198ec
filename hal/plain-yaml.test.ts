import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, parseDocument, stringify } from 'yaml';
import { plainYaml } from './plain-yaml.ts';

const folder = join(import.meta.dirname, '..', 'boards', 'stanford');

/** What the package yaml makes of it; `undefined` where it finds something wrong. */
function judged(text: string): { readonly value: unknown } | undefined {
  const document = parseDocument(text, { prettyErrors: false });
  return document.errors.length + document.warnings.length > 0 ? undefined : { value: document.toJS() as unknown };
}

test('every board file of the campus is plain, and says what the package yaml reads in it', () => {
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    assert.deepEqual(plainYaml(text), { value: parse(text) as unknown }, name);
  }
});

test('mappings, lists and values in the forms that people write are understood', () => {
  const text = `# a comment
name: Müller's house # another
at: "12:30"
quoted: 'it''s'
ports:
  front: { tcp: "10.0.0.1:502", baud: 9600 }
  bus: {serial: /dev/ttyAMA0, list: [1, -2.5, true, null, []]}
list:
- a
- b: 1
  c:
    - deep
other:
  - - 1
    - 2
empty: {}
`;
  assert.deepEqual(plainYaml(text), { value: parse(text) as unknown });
});

test('what plain files do not have is left to a reader of all of YAML', () => {
  for (const text of [
    'a: &x 1\nb: *x',
    'a: |\n  text',
    'a: >\n  text',
    'a: !!str 1',
    'a: "\\u0041"',
    'a: one\n  two',
    'a: {b: 1,\n  c: 2}',
    'a: 1\na: 2',
    'a:\n\t- 1',
    '---\na: 1',
    'a: 0x1f',
    'a: 1e3',
    'a: yes',
    'a: .inf',
    'a: 2026-11-22',
    'a:',
    'a: b: c',
    'a: 1\n  b: 2',
    '  a: 1\nb: 2',
    '__proto__: 1',
    'a: [1, 2',
    'a: "b" c',
    '',
    '? a\n: b',
    'a: @b',
    'a: x#y',
  ]) {
    assert.equal(plainYaml(text), undefined, text);
  }
});

const name = fc.stringMatching(/^[a-z][A-Za-z0-9_-]{0,8}$/);
const leaf = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(name, tie('tree'), { maxKeys: 4 }),
  ),
}));

test('of whatever the package yaml writes, nothing is read that it did not mean', () => {
  let plain = 0;
  fc.assert(
    fc.property(tree, fc.constantFrom(1, 2, 4), fc.boolean(), (value, indent, isFlow) => {
      const text = stringify(value, { indent, ...(isFlow && { collectionStyle: 'flow' }) });
      const read = plainYaml(text);
      if (read === undefined) return;
      plain++;
      assert.deepEqual(read, judged(text));
    }),
    { numRuns: 1000 },
  );
  assert.ok(plain > 100, `only ${plain} texts were plain`);
});

test('of a file that somebody has mistyped, nothing is read that the package yaml does not read', () => {
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const noise = fc.oneof(fc.constantFrom(...Array.from(' \n:-#,{}[]"\'&*!|>%@?~.0x\\\t')), fc.string({ maxLength: 2 }));
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(3), noise), { minLength: 1, maxLength: 3 }),
      (text, edits) => {
        const wrong = edits.reduce(
          (all, [at, cut, more]) => all.slice(0, at % all.length) + more + all.slice((at % all.length) + cut),
          text,
        );
        const read = plainYaml(wrong);
        if (read !== undefined) assert.deepEqual(read, judged(wrong), wrong);
      },
    ),
    { numRuns: 1000 },
  );
});
