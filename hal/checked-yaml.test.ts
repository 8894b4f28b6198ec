import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { parseCheckedYaml } from './checked-yaml.ts';
import { GridError } from './errors.ts';

const codes = { unreadable: 'GTX-TST-001', invalid: 'GTX-TST-002', hint: 'Read the manual.' } as const;
const schema = Type.Object(
  {
    'a/b': Type.Optional(Type.Boolean()),
    list: Type.Array(Type.Object({ n: Type.Union([Type.Integer({ minimum: 1 }), Type.String()]) })),
    note: Type.Optional(Type.String({ maxLength: 5 })),
  },
  { additionalProperties: false },
);

const faultOf = (text: string): string => {
  try {
    parseCheckedYaml('x.yaml', text, schema, codes);
  } catch (error) {
    assert.ok(error instanceof GridError);
    assert.deepEqual([error.kind, error.hint], ['input', 'Read the manual.']);
    return `${error.code} ${error.message}`;
  }
  return 'none';
};

test('a value that fits is given back, and rules of one’s own fail at its lines', () => {
  const { value, fault } = parseCheckedYaml('x.yaml', 'list:\n  - n: 1\n  - n: two\n', schema, codes);
  assert.deepEqual(value, { list: [{ n: 1 }, { n: 'two' }] });
  assert.equal(fault(['list', 1, 'n'], 'not that').message, 'x.yaml:3 list[1].n: not that');
  assert.equal(fault(['list', 1, 'missing'], 'not there').message, 'x.yaml:3 list[1].missing: not there');
  assert.equal(fault(['list', 7], 'not there').message, 'x.yaml:1 list[7]: not there');
});

test('a fault names the key, its line, what was expected and what was found', () => {
  assert.equal(
    faultOf('list:\n  - n: 1\n  - n: [2]\n'),
    'GTX-TST-002 x.yaml:3 list[1].n: expected an integer from 1 or a text, found [2]',
  );
  assert.equal(faultOf('list: 5'), 'GTX-TST-002 x.yaml:1 list: expected a list, found 5');
  assert.equal(faultOf('list: []\na/b: maybe'), 'GTX-TST-002 x.yaml:2 a/b: expected true or false, found "maybe"');
  assert.equal(faultOf('list:\n  -\n'), 'GTX-TST-002 x.yaml:2 list[0]: expected a mapping with n, found nothing');
});

test('a long value is cut, so that the message stays a line', () => {
  assert.match(
    faultOf(`list: []\nnote: ${'x'.repeat(500)}`),
    /^GTX-TST-002 x\.yaml:2 note: expected a text, found "x{56}…$/,
  );
});

test('a text that is no YAML has a code of its own', () => {
  assert.match(faultOf('list: [\n  a: }\n'), /^GTX-TST-001 x\.yaml:2 is not valid YAML/);
});

test('an item of a list of several kinds of mappings is told apart by its first key', () => {
  const kinds = Type.Object({
    steps: Type.Array(
      Type.Union([
        Type.Object({ wait: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
        Type.Object({ say: Type.String() }, { additionalProperties: false }),
      ]),
    ),
  });
  const told = (text: string): string => {
    try {
      parseCheckedYaml('x.yaml', text, kinds, codes);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };
  assert.equal(told('steps:\n  - say: so\n  - wait: 5\n'), 'nothing');
  assert.equal(
    told('steps:\n  - say: so\n  - wait: long\n'),
    'x.yaml:3 steps[1].wait: expected an integer from 1, found "long"',
  );
  assert.match(told('steps:\n  - sing: 5\n'), /^x\.yaml:2 steps\[0\]: expected a mapping with one of wait, say/);
});
