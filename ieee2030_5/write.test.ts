import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { parseAs, parseDocument } from './parse.ts';
import type { DERControl, MirrorMeterReading, Notification, RootName, Roots } from './types.generated.ts';
import { writeDocument } from './write.ts';

const refusal = (name: RootName, value: unknown): string => {
  try {
    writeDocument(name, value as Roots[RootName]);
  } catch (error) {
    assert.ok(error instanceof GridError, String(error));
    return error.code;
  }
  return 'written';
};

test('elements stand in the schema order, whatever the order of the members', () => {
  const reading: MirrorMeterReading = { version: 1, description: 'a <b> & "c"', mRID: Uint8Array.of(1, 0xab) };
  assert.equal(
    writeDocument('MirrorMeterReading', reading),
    '<?xml version="1.0" encoding="UTF-8"?><MirrorMeterReading xmlns="urn:ieee:std:2030.5:ns"><mRID>01AB</mRID><description>a &lt;b&gt; &amp; "c"</description><version>1</version></MirrorMeterReading>',
  );
});

test('members that are undefined are left away', () => {
  const link = writeDocument('DeviceCapability', {
    href: '/dcap',
    pollRate: undefined,
    TimeLink: { href: '/tm?a=1&b' },
  });
  assert.match(
    link,
    /<DeviceCapability xmlns="[^"]+" href="\/dcap"><TimeLink href="\/tm\?a=1&amp;b"\/><\/DeviceCapability>$/,
  );
});

test('a peer of 2013 gets its namespace', () => {
  const text = writeDocument('ListLink', { href: '/a' }, { namespace: '2013' });
  assert.equal(parseDocument(text).namespace, '2013');
});

test('elements of CSIP-AUS get the namespace of the profile, and none is declared without them', () => {
  const control: DERControl = {
    mRID: new Uint8Array(16),
    creationTime: 0n,
    EventStatus: { currentStatus: 0, dateTime: 0n, potentiallySuperseded: false },
    interval: { duration: 60, start: 0n },
    DERControlBase: { opModImpLimW: { multiplier: 0, value: 1500 } },
  };
  assert.match(writeDocument('DERControl', control), /<csipaus:opModImpLimW><multiplier>0</);
  for (const [profile, uri] of [
    ['any', 'https://csipaus.org/ns/v1.3'],
    ['csip-aus-1.2', 'https://csipaus.org/ns'],
    ['csip-aus-1.3', 'https://csipaus.org/ns/v1.3'],
  ] as const) {
    assert.ok(writeDocument('DERControl', control, { profile }).includes(`xmlns:csipaus="${uri}"`));
  }
  assert.ok(!writeDocument('DERControl', control, { profile: 'ieee-2018' }).includes('csipaus'));
  assert.ok(!writeDocument('DERControl', { ...control, DERControlBase: {} }).includes('csipaus'));
});

test('a member of a derived type is written with its xsi:type and read back with it', () => {
  const notification: Notification = {
    subscribedResource: '/derp/1/derc',
    subscriptionURI: '/edev/1/sub/1',
    status: 0,
    Resource: { xsiType: 'DERControlList', all: 0, results: 0 },
  };
  const text = writeDocument('Notification', notification);
  assert.match(text, /<Resource xsi:type="DERControlList" all="0" results="0"\/>/);
  assert.deepEqual(parseAs('Notification', text, { strict: true }), notification);
});

test('what IEEE 2030.5 does not allow is not written', () => {
  const mRID = new Uint8Array(16);
  const cases: readonly (readonly [code: string, name: RootName, value: unknown])[] = [
    ['GTX-XML-010', 'Nothing' as RootName, {}],
    ['GTX-XML-030', 'MirrorMeterReading', {}],
    ['GTX-XML-030', 'Link', {}],
    ['GTX-XML-031', 'MirrorMeterReading', { mRID: '00' }],
    ['GTX-XML-031', 'MirrorMeterReading', { mRID: null }],
    ['GTX-XML-031', 'MirrorMeterReading', null],
    ['GTX-XML-031', 'MirrorMeterReading', { mRID, MirrorReadingSet: {} }],
    ['GTX-XML-031', 'DateTimeInterval', { duration: 1, start: 1 }],
    [
      'GTX-XML-031',
      'Notification',
      { subscribedResource: '', subscriptionURI: '', status: 0, Resource: { xsiType: 'Link' } },
    ],
    ['GTX-XML-031', 'ActivePower', { multiplier: 0.5, value: 1 }],
    ['GTX-XML-031', 'ActivePower', { multiplier: Number.NaN, value: 1 }],
    ['GTX-XML-031', 'EndDevice', { sFDI: 1, changedTime: 1n, enabled: 1 }],
    ['GTX-XML-031', 'Link', { href: 1 }],
    ['GTX-XML-031', 'MirrorMeterReading', { mRID, description: 1 }],
    ['GTX-XML-032', 'MirrorMeterReading', { mRID: new Uint8Array(17) }],
    ['GTX-XML-032', 'MirrorMeterReading', { mRID, description: 'x'.repeat(33) }],
    ['GTX-XML-032', 'MirrorMeterReading', { mRID, description: '\0' }],
    ['GTX-XML-032', 'MirrorMeterReading', { mRID, description: '\ud800' }],
    ['GTX-XML-032', 'Link', { href: '%' }],
    ['GTX-XML-032', 'ActivePower', { multiplier: 0, value: 32_768 }],
    ['GTX-XML-032', 'DateTimeInterval', { duration: 1, start: 1n << 63n }],
    [
      'GTX-XML-032',
      'DERCurve',
      { mRID, creationTime: 0n, curveType: 0, xMultiplier: 0, yMultiplier: 0, yRefType: 0, CurveData: [] },
    ],
  ];
  for (const [code, name, value] of cases) assert.equal(refusal(name, value), code, `${name} ${String(value)}`);
  assert.equal(refusal('MirrorMeterReading', { mRID, description: '😀'.repeat(32) }), 'written');
});
