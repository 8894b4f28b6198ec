import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ListQuery, maxPageItems, pageOf, parseListQuery } from './list.ts';

const query = (text: string): ListQuery => parseListQuery(new URLSearchParams(text));

test('without parameters a list answers with its first item', () => {
  assert.deepEqual(query(''), { start: 0, after: undefined, limit: 1 });
  assert.deepEqual(pageOf(['a', 'b'], query('')), { items: ['a'], all: 2, results: 1 });
});

test('s, l and a are read; others are ignored', () => {
  assert.deepEqual(query('s=2&l=255&a=1767225600&x=y'), { start: 2, after: 1767225600n, limit: 255 });
});

test('a parameter that is not one whole number is refused', () => {
  for (const text of ['s=-1', 's=a', 's=', 'l=1.5', 'l=99999999999', 'a=now', 's=1&s=2', 'l=%20']) {
    assert.throws(() => query(text), { code: 'GTX-LST-001' }, text);
  }
});

test('l=0 tells how many items there are', () => {
  assert.deepEqual(pageOf(['a', 'b'], query('l=0')), { items: [], all: 2, results: 0 });
});

test('a start beyond the end is an empty page', () => {
  assert.deepEqual(pageOf(['a', 'b'], query('s=7&l=9')), { items: [], all: 2, results: 0 });
});

test('a page has at most 255 items', () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  assert.equal(pageOf(items, query('l=4294967295')).results, maxPageItems);
});

test('a leaves out what is not later, in lists that have a time', () => {
  const items = [30n, 20n, 10n];
  assert.deepEqual(
    pageOf(items, query('a=10&l=9'), (item) => item),
    { items: [30n, 20n], all: 2, results: 2 },
  );
  assert.equal(pageOf(items, query('a=10&l=9')).all, 3);
});

test('pages one after another are the list', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (items, limit) => {
      const seen: number[] = [];
      for (let start = 0; start < items.length; start += limit) {
        const page = pageOf(items, { start, after: undefined, limit });
        assert.equal(page.all, items.length);
        assert.equal(page.results, page.items.length);
        seen.push(...page.items);
      }
      assert.deepEqual(seen, items);
    }),
  );
});
