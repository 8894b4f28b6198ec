import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shareRequests } from './shared-requests.ts';

interface Asked {
  readonly unit: number;
  readonly fn: number;
  readonly address: number;
  readonly count: number;
}

const asked = fc.record({
  unit: fc.integer({ min: 1, max: 2 }),
  fn: fc.constantFrom(3, 4, 16),
  address: fc.integer({ min: 0, max: 30 }),
  count: fc.integer({ min: 1, max: 20 }),
});

function requestOf(each: Asked, place: number): Asked & { place: number; frame: Buffer } {
  const frame = Buffer.from([0, 0, 0, 0, 0, 6, each.unit, each.fn, 0, each.address, 0, each.count]);
  return { ...each, place, frame };
}

test('every request is sent or served once, by a read of all its registers with no write between the two', () => {
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 12 }), (all) => {
      const requests = all.map(requestOf);
      const shared = shareRequests(requests);
      const places = shared.flatMap(({ request, served }) => [request, ...served.map((part) => part.request)]);
      assert.deepEqual(
        places.map(({ place }) => place).toSorted((a, b) => a - b),
        requests.map(({ place }) => place),
      );
      const writes = requests.filter(({ fn }) => fn === 16).map(({ place }) => place);
      const sent = shared.map(({ request }) => request.place);
      assert.deepEqual(
        sent.filter((place) => writes.includes(place)),
        writes,
      );
      for (const { request, served } of shared) {
        for (const { request: inner, offsetBytes } of served) {
          assert.deepEqual([inner.unit, inner.fn], [request.unit, request.fn]);
          assert.equal(request.address + offsetBytes / 2, inner.address);
          assert.ok(offsetBytes >= 0 && offsetBytes / 2 + inner.count <= request.count);
          const [from, to] = [Math.min(inner.place, request.place), Math.max(inner.place, request.place)];
          assert.ok(!writes.some((place) => place > from && place < to));
        }
      }
    }),
  );
});

test('a write keeps its place among the reads', () => {
  const [before, write, after] = [
    requestOf({ unit: 1, fn: 3, address: 0, count: 2 }, 0),
    requestOf({ unit: 1, fn: 16, address: 0, count: 2 }, 1),
    requestOf({ unit: 1, fn: 3, address: 0, count: 2 }, 2),
  ];
  const order = shareRequests([before, write, after]).map(({ request }) => request.place);
  assert.deepEqual(order, [0, 1, 2]);
});
