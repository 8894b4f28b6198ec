import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { namespace2013, namespace2018, namespaceCsipAus12, namespaceCsipAus13 } from './namespaces.ts';
import { type ParseOptions, parseAs, parseDocument } from './parse.ts';

const ns = `xmlns="${namespace2018}"`;
const time = (inner: string, attributes = ns): string =>
  `<Time ${attributes}>${inner}<currentTime>1767225600</currentTime><dstEndTime>0</dstEndTime><dstOffset>0</dstOffset><dstStartTime>0</dstStartTime><quality>7</quality><tzOffset>-28800</tzOffset></Time>`;

const codeOf = (source: Uint8Array | string, options: ParseOptions = {}): string => {
  try {
    parseDocument(source, options);
  } catch (error) {
    assert.ok(error instanceof GridError, String(error));
    return error.code;
  }
  return 'accepted';
};

test('a document becomes its value: 64-bit integers as bigint, octets as bytes, lists as arrays', () => {
  const document = parseDocument(
    `<?xml version="1.0" encoding="UTF-8"?>
     <MirrorMeterReading ${ns}>
       <mRID>0f</mRID><description>a &lt;b&gt; &amp; &#x63;</description>
       <MirrorReadingSet><mRID>FF00</mRID><timePeriod><duration>15</duration><start>-1</start></timePeriod>
         <Reading><value>-5</value></Reading><Reading><value>6</value><localID>01</localID></Reading>
       </MirrorReadingSet>
     </MirrorMeterReading>`,
    { strict: true },
  );
  assert.deepEqual(document, {
    name: 'MirrorMeterReading',
    namespace: '2018',
    csipAus: undefined,
    skipped: 0,
    value: {
      mRID: Uint8Array.of(0x0f),
      description: 'a <b> & c',
      MirrorReadingSet: [
        {
          mRID: Uint8Array.of(0xff, 0),
          timePeriod: { duration: 15, start: -1n },
          Reading: [{ value: -5 }, { value: 6, localID: Uint8Array.of(1) }],
        },
      ],
    },
  });
});

test('the edition of the sender is told, and prefixed elements are the same elements', () => {
  const inner = time('')
    .replace(/<(\/?)(\w)/g, '<$1s:$2')
    .replace(ns, `xmlns:s="${namespace2013}"`);
  const { name, namespace, value } = parseDocument(inner, { strict: true });
  assert.equal(name, 'Time');
  assert.equal(namespace, '2013');
  assert.deepEqual(value, parseAs('Time', time('')));
});

test('elements of one edition inside a document of the other are foreign', () => {
  const mixed = `<EndDeviceList xmlns:o="${namespace2013}" ${ns} all="0" results="0"><o:EndDevice/></EndDeviceList>`;
  assert.equal(codeOf(mixed, { strict: true }), 'GTX-XML-012');
});

test('unknown elements and attributes are skipped and counted, and are errors in strict mode', () => {
  const extended = time('<x:new xmlns:x="urn:x" a="1"><x:deep>t</x:deep></x:new><other/>', `${ns} extra="1"`);
  const { skipped, value } = parseDocument(extended);
  assert.equal(skipped, 3);
  assert.deepEqual(value, parseAs('Time', time('')));
  assert.equal(codeOf(extended, { strict: true }), 'GTX-XML-017');
});

test('an unknown element must be well-formed all the same', () => {
  assert.equal(codeOf(time('<new><a></b></new>')), 'GTX-XML-001');
  assert.equal(codeOf(time('<new a="1" a="2"/>')), 'GTX-XML-001');
  assert.equal(codeOf(time('<new>&nbsp;</new>')), 'GTX-XML-002');
});

test('CSIP-AUS elements are read in the namespace of either version, and the version is told', () => {
  const of = (uri: string): string =>
    `<DERControlBase ${ns} xmlns:c="${uri}"><c:opModImpLimW><multiplier>1</multiplier><value>500</value></c:opModImpLimW></DERControlBase>`;
  const value = { opModImpLimW: { multiplier: 1, value: 500 } };
  for (const [uri, version] of [
    [namespaceCsipAus12, '1.2'],
    [namespaceCsipAus13, '1.3'],
  ] as const) {
    const document = parseDocument(of(uri), { strict: true });
    assert.deepEqual([document.csipAus, document.value], [version, value]);
  }
  assert.equal(codeOf(of(namespaceCsipAus12), { strict: true, profile: 'csip-aus-1.3' }), 'GTX-XML-012');
  assert.equal(codeOf(of(namespaceCsipAus13), { strict: true, profile: 'ieee-2018' }), 'GTX-XML-012');
});

test('xsi:type gives a Notification its resource', () => {
  const notification = (type: string): string =>
    `<Notification ${ns} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><subscribedResource>/edev</subscribedResource>
     <Resource xsi:type="${type}" all="1" results="0"/><status>0</status><subscriptionURI>/sub/1</subscriptionURI></Notification>`;
  const { Resource } = parseAs('Notification', notification('DERControlList'));
  assert.deepEqual(Resource, { xsiType: 'DERControlList', all: 1, results: 0 });
  assert.equal(codeOf(notification('ActivePower')), 'GTX-XML-019');
  assert.equal(codeOf(notification('Unknown'), { strict: true }), 'GTX-XML-019');
  assert.deepEqual(parseDocument(notification('Unknown')).skipped, 3, 'the type and its two attributes');
});

test('every fault has its code', () => {
  const cases: readonly (readonly [code: string, source: string | Uint8Array, options?: ParseOptions])[] = [
    ['GTX-XML-001', ''],
    ['GTX-XML-001', 'hello'],
    ['GTX-XML-001', time('').slice(0, -3)],
    ['GTX-XML-001', `${time('')}<Time/>`],
    ['GTX-XML-001', time('').replace('</Time>', '</Tim>')],
    ['GTX-XML-001', time('').replace('<quality>', '<x:quality>')],
    ['GTX-XML-002', `<!DOCTYPE Time [<!ENTITY a "b">]>${time('')}`],
    ['GTX-XML-002', `<?xml version="1.0"?><?xml-stylesheet href="a"?>${time('')}`],
    ['GTX-XML-002', time('').replace('>7<', '>&seven;<')],
    ['GTX-XML-003', Uint8Array.of(0x3c, 0xff, 0xfe)],
    ['GTX-XML-003', `<?xml version="1.0" encoding="ISO-8859-1"?>${time('')}`],
    ['GTX-XML-004', time(''), { maxBytes: 100 }],
    ['GTX-XML-004', Buffer.from(time('')), { maxBytes: 100 }],
    ['GTX-XML-004', `<Time ${ns} ${Array.from({ length: 70 }, (_, i) => `a${i}=""`).join(' ')}/>`],
    ['GTX-XML-005', time('<a>'.repeat(40) + '</a>'.repeat(40))],
    ['GTX-XML-010', `<Nothing ${ns}/>`],
    ['GTX-XML-010', time(''), { expect: ['EndDevice', 'EndDeviceList'] }],
    ['GTX-XML-011', time('', 'xmlns="urn:other"')],
    ['GTX-XML-011', time('', '')],
    ['GTX-XML-012', time('<more/>'), { strict: true }],
    ['GTX-XML-013', `<MirrorMeterReading ${ns}><mRID/><version>1</version><description/></MirrorMeterReading>`],
    ['GTX-XML-014', time('<quality>7</quality>')],
    ['GTX-XML-014', time('').replace('<quality>7</quality>', '')],
    ['GTX-XML-014', `<Time ${ns}/>`],
    ['GTX-XML-015', time('<currentTime>1</currentTime>')],
    ['GTX-XML-016', time('text')],
    ['GTX-XML-016', `<mRIDType ${ns}><a/></mRIDType>`],
    ['GTX-XML-017', time('', `${ns} extra=""`), { strict: true }],
    ['GTX-XML-018', `<EndDeviceList ${ns} all="0"/>`],
    ['GTX-XML-020', time('').replace('>7<', '>seven<')],
    ['GTX-XML-020', `<mRIDType ${ns}>abc</mRIDType>`],
    ['GTX-XML-020', `<Link ${ns} href="%"/>`],
    ['GTX-XML-021', time('').replace('>7<', '>256<')],
    ['GTX-XML-021', time('').replace('>1767225600<', '>9223372036854775808<')],
    ['GTX-XML-022', `<mRIDType ${ns}>${'00'.repeat(17)}</mRIDType>`],
  ];
  for (const [code, source, options] of cases)
    assert.equal(codeOf(source, options), code, String(source).slice(0, 200));
});

test('an error tells line, column and byte of the fault', () => {
  const source = time('').replace('<quality>7', '<!-- é -->\n <quality>700');
  assert.throws(
    () => parseDocument(source),
    ({ message }: GridError) => {
      const byte = Buffer.byteLength(source.slice(0, source.indexOf('700')));
      return message === `"700" is outside 0..255 (UInt8) at line 2, column 11 (byte ${byte})`;
    },
  );
});

test('ten thousand nested elements, known or not, cost nothing', () => {
  const deep = `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`;
  assert.equal(codeOf(time(deep)), 'GTX-XML-005');
  assert.equal(codeOf(`<EndDevice ${ns}>${'<EndDevice>'.repeat(10_000)}`), 'GTX-XML-005');
});

test('documents longer than a list of a hundred thousand references are read in linear time', () => {
  const value = '&#65;'.repeat(10);
  const many = `<DeviceInformation ${ns}>${`<x>${value}</x>`.repeat(16_000)}</DeviceInformation>`;
  assert.equal(codeOf(many), 'GTX-XML-014');
  assert.equal(codeOf(`<Time ${ns}>${'<!-- -->'.repeat(120_000)}`), 'GTX-XML-001');
  assert.equal(codeOf(`<Time ${ns}>${'<![CDATA['.repeat(100_000)}`), 'GTX-XML-016');
});

test('any bytes give a value or a GridError', () => {
  const valid = Buffer.from(time('<x:new xmlns:x="urn:x" a="1">t</x:new>'));
  const mangled = fc
    .array(fc.record({ at: fc.nat(valid.length), put: fc.uint8Array({ maxLength: 4 }), drop: fc.nat(4) }), {
      maxLength: 4,
    })
    .map((edits) => {
      let bytes = valid;
      for (const { at, put, drop } of edits) {
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)]);
      }
      return bytes;
    });
  const xmlLike = fc.string({
    unit: fc.constantFrom(...'<>/="\'! ?&;:-[]aTime'.split(''), ns, '<!--', '-->', '<![CDATA[', ']]>'),
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.oneof(mangled, xmlLike, fc.uint8Array({ maxLength: 200 })), (source) => {
      codeOf(source);
    }),
    { numRuns: 3000 },
  );
});
