import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as typebox from 'typebox';
import { Value } from 'typebox/value';
import { schemaFaults } from './schema-faults.ts';
import { Type } from './schema.ts';

/** The same schema by one builder or the other. */
const schemaBy = ({ Type: by }: { readonly Type: typeof Type }) =>
  by.Object(
    {
      kind: by.Enum(['a', 'b', 3], { description: 'a note' }),
      name: by.Optional(by.String({ minLength: 1, maxLength: 4, pattern: '^[a-zä]*$' })),
      count: by.Integer({ minimum: -2, maximum: 9 }),
      part: by.Optional(by.Number({ exclusiveMinimum: 0 })),
      flag: by.Optional(by.Boolean()),
      list: by.Optional(by.Array(by.Union([by.Integer(), by.String()]), { minItems: 1, maxItems: 3 })),
      pair: by.Optional(by.Tuple([by.Integer(), by.String()])),
      named: by.Optional(by.Record(by.String(), by.Object({ is: by.Literal('x') }, { additionalProperties: false }))),
    },
    { additionalProperties: false, title: 'all of them' },
  );
const ours = schemaBy({ Type });
const theirs = schemaBy(typebox);

test('a schema is the JSON Schema that TypeBox makes', () => {
  assert.equal(JSON.stringify(ours), JSON.stringify(theirs));
});

const any = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.integer({ min: -4, max: 12 }),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const often = (sound: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: sound }, { weight: 1, arbitrary: any });
const member = fc.record({ is: fc.constantFrom('x', 'x', 'x', 'y') });
const near = fc
  .record(
    {
      kind: often(fc.constantFrom('a', 'b', 3)),
      name: often(fc.stringMatching(/^[a-zä]{1,4}$/)),
      count: often(fc.integer({ min: -2, max: 9 })),
      part: often(fc.double({ min: 0.1, max: 5 })),
      flag: often(fc.boolean()),
      list: often(fc.array(fc.oneof(fc.integer(), fc.string(), any), { minLength: 1, maxLength: 3 })),
      pair: often(fc.tuple(fc.integer(), fc.string())),
      named: often(fc.dictionary(fc.string(), member, { maxKeys: 3 })),
    },
    { requiredKeys: ['kind', 'count'] },
  )
  .chain((value) => fc.constantFrom(value, value, value, value, { ...value, more: 1 }));

test('a value breaks a rule just when TypeBox says so', () => {
  const seen = { sound: 0, broken: 0 };
  fc.assert(
    fc.property(fc.oneof({ weight: 20, arbitrary: near }, { weight: 1, arbitrary: fc.jsonValue() }), (value) => {
      const isSound = schemaFaults(ours, value).length === 0;
      seen[isSound ? 'sound' : 'broken']++;
      assert.equal(isSound, Value.Check(theirs, value), JSON.stringify(value));
    }),
    { numRuns: 3000 },
  );
  assert.ok(seen.sound > 20 && seen.broken > 100, JSON.stringify(seen));
});

test('a fault is told with its place and its rule, each of them', () => {
  const value = { kind: 'c', name: 'ABCDE', list: [1, null], pair: [1, 'x', 2], more: 1, named: { n: {} } };
  assert.deepEqual(
    schemaFaults(ours, value).map(({ path, rule }) => `${path.join('.')} ${rule}`),
    [
      'count required',
      'kind enum',
      'name maxLength',
      'name pattern',
      'list.1 anyOf',
      'pair.2 additionalItems',
      'more additionalProperties',
      'named.n.is required',
    ],
  );
});

test('letters are counted, not the halves in which a text has some of them', () => {
  assert.deepEqual(schemaFaults(Type.String({ maxLength: 2 }), '𝄞𝄞'), []);
});

test('a keyword that nobody checks is no silent promise', () => {
  assert.throws(() => schemaFaults(Type.Number({ multipleOf: 2 }), 3), /multipleOf, which nobody checks/);
});
