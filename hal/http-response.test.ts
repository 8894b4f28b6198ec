import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HttpResponse, HttpResponseReader, maxHeadBytes } from './http-response.ts';

const most = 1000;

/** Of one response, given in these pieces. */
function read(pieces: readonly Buffer[]): HttpResponse | undefined {
  const reader = new HttpResponseReader(most);
  for (const [i, piece] of pieces.entries()) {
    const response = reader.push(piece);
    if (response === undefined) continue;
    assert.equal(i, pieces.length - 1, 'it is whole with its last octet, and not before');
    return response;
  }
  return undefined;
}

const text = (lines: readonly string[], body = ''): Buffer =>
  Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');

const responses: readonly (readonly [octets: Buffer, status: number, body: string])[] = [
  [text(['HTTP/1.1 201 Created', 'Location: /mup/1', 'Content-Length: 0']), 201, ''],
  [text(['HTTP/1.1 200 OK', 'content-length: 5'], 'hello'), 200, 'hello'],
  [text(['HTTP/1.1 204 No Content', 'content-length: 5']), 204, ''],
  [text(['HTTP/1.1 304 Not Modified']), 304, ''],
  [
    text(['HTTP/1.1 200', 'Transfer-Encoding: chunked'], '3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n'),
    200,
    'abc0123456789',
  ],
  [
    Buffer.concat([
      text(['HTTP/1.1 100 Continue']),
      text(['HTTP/1.1 103 Hints', 'Link: x']),
      text(['HTTP/1.1 400 No', 'content-length: 1'], '!'),
    ]),
    400,
    '!',
  ],
];

test('a response reads the same however it is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...responses),
      fc.array(fc.nat(200), { maxLength: 8 }),
      ([octets, status, body], cuts) => {
        const at = [0, ...cuts.map((cut) => cut % octets.length), octets.length].toSorted((a, b) => a - b);
        const pieces = at.slice(1).map((end, i) => octets.subarray(at[i], end));
        const response = read(pieces.filter(({ length }) => length > 0));
        assert.deepEqual([response?.status, response?.body.toString(), response?.isKept], [status, body, true]);
      },
    ),
  );
});

test('headers are found by lower-case names, and joined where they repeat', () => {
  const response = read([text(['HTTP/1.1 200 OK', 'ETag:  "a" ', 'Via: x', 'VIA: y', 'content-length: 0'])]);
  assert.deepEqual([response?.headers.get('etag'), response?.headers.get('via')], ['"a"', 'x, y']);
});

test('a body without a length ends with the connection, which carries nothing else', () => {
  const reader = new HttpResponseReader(most);
  assert.equal(reader.push(text(['HTTP/1.1 200 OK'], 'ab')), undefined);
  const { body, isKept } = reader.end();
  assert.deepEqual([body.toString(), isKept], ['ab', false]);
});

test('a connection is not kept when the server says so, speaks HTTP/1.0, or has sent more', () => {
  for (const octets of [
    text(['HTTP/1.1 200 OK', 'Connection: Close', 'content-length: 0']),
    text(['HTTP/1.0 200 OK', 'content-length: 0']),
    text(['HTTP/1.1 200 OK', 'content-length: 1'], 'ab'),
  ]) {
    assert.equal(read([octets])?.isKept, false);
  }
});

test('a connection that ends too early gives no response', () => {
  const begun = new HttpResponseReader(most);
  begun.push(text(['HTTP/1.1 200 OK', 'content-length: 5'], 'hel'));
  assert.throws(() => begun.end(), /amid its response/);
  assert.throws(() => new HttpResponseReader(most).end(), /ended the connection$/);
});

test('what two readers may read differently is refused', () => {
  for (const [octets, reason] of [
    [text(['HTTP/1.1 200 OK', 'content-length: 5', 'transfer-encoding: chunked']), /chunked and to have a length/],
    [text(['HTTP/1.1 200 OK', 'content-length: 5', 'content-length: 6']), /no number/],
    [text(['HTTP/1.1 200 OK', 'content-length: -1']), /no number/],
    [text(['HTTP/1.1 200 OK', 'transfer-encoding: gzip, chunked']), /coded as/],
    [text(['HTTP/1.1 200 OK', ' folded: x']), /no name/],
    [text(['HTTP/1.1 200 OK', 'a b: x']), /no name/],
    [text(['HTTP/1.1 200 OK', 'transfer-encoding: chunked'], 'x\r\n'), /no size/],
    [text(['HTTP/1.1 200 OK', 'transfer-encoding: chunked'], '1\r\nabc\r\n'), /too long/],
    [text(['HTTP/1.1 101 Switching Protocols']), /another protocol/],
    [text(['HTTP/2 200']), /does not speak/],
    [text(['SSH-2.0-OpenSSH']), /does not speak/],
  ] as const) {
    assert.throws(() => read([octets]), reason, octets.toString());
  }
});

test('nothing grows beyond its limit', () => {
  assert.throws(() => read([Buffer.alloc(maxHeadBytes + 1, 'a')]), /head of the response is longer/);
  assert.throws(
    () => read([text(['HTTP/1.1 200 OK', 'content-length: 2000'], 'a'.repeat(most + 1))]),
    /longer than 1000/,
  );
  const chunk = `fa\r\n${'a'.repeat(250)}\r\n`;
  assert.throws(
    () => read([text(['HTTP/1.1 200 OK', 'transfer-encoding: chunked'], chunk.repeat(5))]),
    /longer than 1000/,
  );
  const trailers = 'a: b\r\n'.repeat(maxHeadBytes);
  assert.throws(() => read([text(['HTTP/1.1 200 OK', 'transfer-encoding: chunked'], `0\r\n${trailers}`)]), /trailers/);
});

test('whatever a server sends is a response, a part of one, or refused with a reason', () => {
  const edit = fc.tuple(fc.nat(200), fc.nat(6), fc.uint8Array({ maxLength: 6 }));
  const spoiled = fc
    .tuple(fc.constantFrom(...responses), fc.array(edit, { maxLength: 4 }))
    .map(([[octets], edits]) =>
      edits.reduce<Buffer>(
        (all, [at, gone, put]) => Buffer.concat([all.subarray(0, at), put, all.subarray(at + gone)]),
        octets,
      ),
    );
  const anything = fc.oneof(
    spoiled,
    fc.uint8Array({ maxLength: 400 }).map((octets) => Buffer.from(octets)),
  );
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 50 }), (octets, size) => {
      const reader = new HttpResponseReader(most);
      try {
        for (let at = 0; at < octets.length; at += size) {
          const response = reader.push(octets.subarray(at, at + size));
          if (response === undefined) continue;
          assert.ok(response.status >= 200 && response.status <= 999 && response.body.length <= most);
          return;
        }
        reader.end();
      } catch (error) {
        assert.ok(error instanceof Error && Object.getPrototypeOf(error) === Error.prototype, String(error));
        assert.match(error.message, /server|response|HTTP/);
      }
    }),
    { numRuns: 5_000 },
  );
});
