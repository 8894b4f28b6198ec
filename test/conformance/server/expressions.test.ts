import assert from 'node:assert/strict';
import { test } from 'node:test';
import { procedures } from '../procedures.generated.ts';
import { resolve, resolveAll } from './expressions.ts';

const variables = { setMaxW: 5000 };

test('an expression is a variable and at most one operation; everything else is itself', () => {
  assert.equal(resolve('$(setMaxW * 0.3)', variables), 1500);
  assert.equal(resolve('$(setMaxW / 2)', variables), 2500);
  assert.equal(resolve('$setMaxW', variables), 5000);
  assert.equal(resolve('$(valid_nmi_1)', variables), '20019857328');
  assert.deepEqual(resolveAll({ a: 'text', b: 3, c: null, d: '$(setMaxW - 1)' }, variables), {
    a: 'text',
    b: 3,
    c: null,
    d: 4999,
  });
});

test('what is no known expression is an error, not a value', () => {
  for (const text of ['$(setMaxVA * 2)', '$unknown', '$(setMaxW ** 2)', "$(now - '5 mins')"]) {
    assert.throws(() => resolve(text, variables), /unknown expression/, text);
  }
});

test('every expression of the server procedures is known', () => {
  const walk = (value: unknown): string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(walk)
        : [];
  const expressions = walk(procedures.server).filter((text) => text.startsWith('$'));
  assert.ok(expressions.length > 50);
  for (const text of expressions) resolve(text, variables);
});
