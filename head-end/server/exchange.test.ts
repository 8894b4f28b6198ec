import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAs } from '#ieee2030_5/parse.ts';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';
import { created, errorResponse, ok, replaced } from './exchange.ts';

test('what was made is 201, what was replaced 204, both with its place and without a body', () => {
  assert.deepEqual(created('/mup/1'), { status: 201, location: '/mup/1' });
  assert.deepEqual(replaced('/mup/1'), { status: 204, location: '/mup/1' });
});

test('a resource is 200 with its document', () => {
  const { status, body = '' } = ok('EndDeviceList', { href: '/edev', all: 0, results: 0 });
  assert.equal(status, 200);
  assert.equal(parseAs('EndDeviceList', Buffer.from(body)).href, '/edev');
});

test('an error is an Error document with its reasonCode, and says when to come again where it knows', () => {
  const read = ({ body = '' }: { body?: string }) => parseAs('Error', Buffer.from(body));
  const values = errorResponse(400, ReasonCode.invalidValues);
  assert.equal(values.status, 400);
  assert.equal(read(values).reasonCode, 1);
  assert.equal(read(values).maxRetryDuration, undefined);
  assert.deepEqual(
    { ...read(errorResponse(503, ReasonCode.resourceLimit, 60)) },
    { maxRetryDuration: 60, reasonCode: 2 },
  );
});
