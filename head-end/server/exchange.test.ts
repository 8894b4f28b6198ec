import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { created, documentOf, errorResponse, ok, type Peer, replaced, type SepRequest } from './exchange.ts';

const requestOf = (body: string, peer: Peer): SepRequest => ({
  principal: { lfdi: '0'.repeat(40) as Lfdi, device: undefined, devices: [] },
  method: 'POST',
  href: '/mup',
  ids: [],
  query: '',
  peer,
  body: Buffer.from(body),
});

test('what was made is 201, what was replaced 204, both with its place and without a body', () => {
  assert.deepEqual(created('/mup/1'), { status: 201, location: '/mup/1' });
  assert.deepEqual(replaced('/mup/1'), { status: 204, location: '/mup/1' });
});

test('a resource is 200 with its document', () => {
  const { status, document } = ok('EndDeviceList', { href: '/edev', all: 0, results: 0 });
  assert.deepEqual(
    [status, document?.name, document?.value],
    [200, 'EndDeviceList', { href: '/edev', all: 0, results: 0 }],
  );
});

test('an error is an Error document with its reasonCode, and says when to come again where it knows', () => {
  assert.deepEqual(errorResponse(400, ReasonCode.invalidValues), {
    status: 400,
    document: { name: 'Error', value: { reasonCode: 1 } },
  });
  assert.deepEqual(errorResponse(503, ReasonCode.resourceLimit, 60), {
    status: 503,
    document: { name: 'Error', value: { maxRetryDuration: 60, reasonCode: 2 } },
  });
});

test('the namespace that a peer writes in is remembered', () => {
  const peer: Peer = { edition: '2018' };
  const document = { connectionPointId: '2001985732' };
  const old = writeDocument('Registration', { dateTimeRegistered: 1n, pIN: 111115 }, { namespace: '2013' });
  assert.equal(documentOf(requestOf(old, peer), 'Registration').value.pIN, 111115);
  assert.equal(peer.edition, '2013');
  documentOf(requestOf(writeDocument('Registration', { dateTimeRegistered: 1n, pIN: 111115 }), peer), 'Registration');
  assert.equal(peer.edition, '2018');
  const other = requestOf(writeDocument('ConnectionPoint', document), peer);
  assert.throws(() => documentOf(other, 'Registration'), { code: 'GTX-XML-010' });
});
