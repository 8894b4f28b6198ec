import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Given } from './client/given.ts';
import { resolveAll, resolved } from './expressions.ts';
import { procedures } from './procedures.generated.ts';
import { variablesOf } from './server/parameters.ts';

const values: Readonly<Record<string, number>> = { now: 1000, setMaxW: 5000, rtgMaxW: 4000 };
const variables = (name: string): number => {
  const value = values[name];
  if (value === undefined) throw new Error(`the client has not told ${name}`);
  return value;
};

test('what is no expression stays as it is', () => {
  for (const value of [0, true, '/edev/1', 'DERC1', null, ['a', 1]] as const)
    assert.deepEqual(resolved(value, variables), value);
});

test('expressions have a value, or two with one operator', () => {
  const cases: readonly [string, number | boolean][] = [
    ['$now', 1000],
    ['$(now)', 1000],
    ['$(setMaxW * 0.3)', 1500],
    ['$(setMaxW * 1.1)', 5500],
    ['$(setMaxW / 2)', 2500],
    ['$setMaxW', 5000],
    ['$(0 - setMaxW)', -5000],
    ['$(2 * setMaxW)', 10_000],
    ["$(now + '5 minutes')", 1300],
    ["$(now - '60 seconds')", 940],
    ["$(now + '1 hour')", 4600],
    ["$(now + '24 hours')", 87_400],
    ['$(setMaxW <= rtgMaxW)', false],
    ['$(setMaxW == 5000)', true],
  ];
  for (const [text, expected] of cases) assert.equal(resolved(text, variables), expected, text);
});

test('`this` is the parameter that the expression stands at, in lists too', () => {
  const given = new Given({ setMaxW: '$(this > 0)', paths: ['$now', 'x'] }, variables);
  assert.equal(given.flag('setMaxW'), true);
  assert.deepEqual(given.get('paths'), [1000, 'x']);
});

test('what the client has not told, and what cannot be read, is an error', () => {
  for (const text of [
    '$(setMaxVar * 2)',
    '$unknown',
    '$(setMaxW ** 2)',
    "$(now + '5 moons')",
    '$(1 + 2 + 3)',
    '$(now ?)',
    '$(1 2)',
  ]) {
    assert.throws(() => resolved(text, variables), text);
  }
});

test('a parameter of another type than the action wants is an error', () => {
  const given = new Given({ start: 'tomorrow' }, variables);
  assert.throws(() => given.number('start'), /start is "tomorrow"/);
  assert.equal(given.number('duration'), undefined);
});

test('every expression of the server procedures has a value', () => {
  const walk = (value: unknown): string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(walk)
        : [];
  const expressions = walk(procedures.server).filter((text) => text.startsWith('$'));
  assert.ok(expressions.length > 50);
  const known = variablesOf({ setMaxW: 5000 });
  for (const text of expressions) assert.ok(resolved(text, known) !== text);
  assert.deepEqual(resolveAll({ a: 'text', nmi: '$(valid_nmi_1)' }, known), { a: 'text', nmi: '20019857328' });
});
