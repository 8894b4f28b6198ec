import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageHref, readList } from './list-reader.ts';

const key = (item: string): string => item;

/** A server of pages of `size`; `change` may alter its list after each request. */
function listOf(items: string[], size: number, change: (request: number, items: string[]) => void = () => undefined) {
  const asked: number[] = [];
  const readPage = async (start: number) => {
    asked.push(start);
    const page = { items: items.slice(start, start + size), all: items.length };
    change(asked.length, items);
    return page;
  };
  return { asked, readPage };
}

test('a list of any length is read whole, whatever the size of the pages', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 40 }), fc.integer({ min: 1, max: 50 }), async (length, size) => {
      const items = Array.from({ length }, (_, i) => `item ${i}`);
      assert.deepEqual(await readList('/l', key, listOf(items, size).readPage), items);
    }),
  );
});

test('a list that changes while it is read is read anew, and never mixed', async () => {
  const operations = fc.array(fc.constantFrom('none', 'prepend', 'append', 'drop first', 'drop last', 'rotate'), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 20 }),
      fc.integer({ min: 2, max: 7 }),
      operations,
      async (n, size, ops) => {
        const states: string[][] = [];
        const items = Array.from({ length: n }, (_, i) => `item ${i}`);
        let made = n;
        states.push([...items]);
        const { readPage } = listOf(items, size, (request) => {
          const op = ops[request - 1];
          if (op === 'prepend') items.unshift(`item ${made++}`);
          if (op === 'append') items.push(`item ${made++}`);
          if (op === 'drop first') items.shift();
          if (op === 'drop last') items.pop();
          if (op === 'rotate') items.unshift(items.pop() ?? `item ${made++}`);
          states.push([...items]);
        });
        const read = await readList('/l', key, readPage).catch((error: { code?: string }) => error.code);
        if (read === 'GTX-SEP-006') return;
        assert.ok(
          states.some((state) => JSON.stringify(state) === JSON.stringify(read)),
          JSON.stringify(read),
        );
      },
    ),
  );
});

test('an item that is inserted at the front and one that leaves at the end are noticed although `all` stays', async () => {
  const items = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { asked, readPage } = listOf(items, 3, (request) => {
    if (request === 1) items.splice(0, items.length, 'new', 'a', 'b', 'c', 'd', 'e');
  });
  assert.deepEqual(await readList('/l', key, readPage), ['new', 'a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(asked, [0, 2, 0, 2, 4]);
});

test('a list that never holds still, is too long, or promises items that it does not give, is given up', async () => {
  let n = 0;
  const restless = async () => ({ items: [`${n++}`, `${n++}`], all: 9 });
  await assert.rejects(readList('/l', key, restless), { code: 'GTX-SEP-006' });
  await assert.rejects(
    readList('/l', key, async () => ({ items: ['a'], all: 1e9 })),
    { code: 'GTX-SEP-007' },
  );
  await assert.rejects(
    readList('/l', key, async () => ({ items: [], all: 3 })),
    { code: 'GTX-SEP-006' },
  );
});

test('pages are asked for beside a query that the href has already', () => {
  assert.equal(pageHref('/edev', 0), '/edev?s=0&l=255');
  assert.equal(pageHref('/edev?x=1', 5), '/edev?x=1&s=5&l=255');
});
