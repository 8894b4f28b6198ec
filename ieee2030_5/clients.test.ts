import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespaceCsipAus12, namespaceCsipAus13 } from './namespaces.ts';
import { type ParsedDocument, parseDocument } from './parse.ts';

/**
 * Documents in the manner of clients and servers in the field: same schema, other habits of writing XML. Written by
 * hand after EPRI's settings files and what XML libraries make by default; none is a recording.
 */

const sep = 'urn:ieee:std:2030.5:ns';

test('a document with one element a line, blanks behind a value, lower-case hex and short bit maps, as of EPRI’s client', () => {
  const document = parseDocument(
    `<MirrorUsagePoint xmlns="${sep}">\r\n  <mRID>4fa1b2</mRID>\r\n  <roleFlags>09</roleFlags>\r\n  <serviceCategoryKind>0</serviceCategoryKind>\r\n  <status>1</status>\r\n  <deviceLFDI>3e4f45ab31edfe5b67e343e5e4562e31984e23e5</deviceLFDI>\r\n  <MirrorMeterReading>\r\n    <mRID>4fa1b3</mRID>\r\n    <Reading>\r\n      <value>5000 </value>\r\n    </Reading>\r\n    <ReadingType>\r\n      <uom>38</uom>\r\n    </ReadingType>\r\n  </MirrorMeterReading>\r\n</MirrorUsagePoint>\r\n\r\n`,
    { strict: true },
  );
  assert.equal(document.name, 'MirrorUsagePoint');
  assert.deepEqual(document.value, {
    mRID: Uint8Array.of(0x4f, 0xa1, 0xb2),
    roleFlags: Uint8Array.of(9),
    serviceCategoryKind: 0,
    status: 1,
    deviceLFDI: Uint8Array.from(Buffer.from('3E4F45AB31EDFE5B67E343E5E4562E31984E23E5', 'hex')),
    MirrorMeterReading: [{ mRID: Uint8Array.of(0x4f, 0xa1, 0xb3), Reading: { value: 5000 }, ReadingType: { uom: 38 } }],
  });
});

test('generated prefixes (ns0, ns1), and CSIP-AUS declared where it is used', () => {
  for (const [uri, version] of [
    [namespaceCsipAus12, '1.2'],
    [namespaceCsipAus13, '1.3'],
  ] as const) {
    const document = parseDocument(
      `<?xml version='1.0' encoding='utf-8'?>\n<ns0:EndDevice xmlns:ns0="${sep}" href="/edev/1"><ns0:lFDI>00AA</ns0:lFDI><ns0:sFDI>1</ns0:sFDI><ns0:changedTime>1690000000</ns0:changedTime><ns1:ConnectionPointLink xmlns:ns1="${uri}" href="/edev/1/cp"/></ns0:EndDevice>`,
      { strict: true },
    );
    assert.equal(document.csipAus, version);
    assert.deepEqual(document.value, {
      href: '/edev/1',
      lFDI: Uint8Array.of(0, 0xaa),
      sFDI: 1,
      changedTime: 1_690_000_000n,
      ConnectionPointLink: { href: '/edev/1/cp' },
    });
  }
});

test('a control of CSIP-AUS is read with its limits in either version, the storage target in 1.3 alone', () => {
  const control = (uri: string, more: string): ParsedDocument =>
    parseDocument(
      `<DefaultDERControl xmlns="${sep}" xmlns:csipaus="${uri}" href="/derp/1/dderc"><mRID>01</mRID><DERControlBase><opModEnergize>true</opModEnergize><csipaus:opModImpLimW><multiplier>1</multiplier><value>150</value></csipaus:opModImpLimW><csipaus:opModExpLimW><value>0</value><multiplier>0</multiplier></csipaus:opModExpLimW>${more}</DERControlBase><setGradW>28</setGradW></DefaultDERControl>`,
      { strict: true, order: 'any', profile: uri === namespaceCsipAus12 ? 'csip-aus-1.2' : 'csip-aus-1.3' },
    );
  const base = {
    opModEnergize: true,
    opModImpLimW: { multiplier: 1, value: 150 },
    opModExpLimW: { multiplier: 0, value: 0 },
  };
  const whole = { href: '/derp/1/dderc', mRID: Uint8Array.of(1), setGradW: 28 };
  const target =
    '<csipaus:opModStorageTargetW><multiplier>0</multiplier><value>-500</value></csipaus:opModStorageTargetW>';
  assert.deepEqual(control(namespaceCsipAus12, '').value, { ...whole, DERControlBase: base });
  assert.deepEqual(control(namespaceCsipAus13, target).value, {
    ...whole,
    DERControlBase: { ...base, opModStorageTargetW: { multiplier: 0, value: -500 } },
  });
  assert.throws(() => control(namespaceCsipAus12, target), { code: 'GTX-XML-012' });
});

test('a namespace that is declared on the root and not used tells nothing of the sender', () => {
  const document = parseDocument(
    `<?xml version="1.0"?>\n<DERStatus xmlns="${sep}" xmlns:csipaus="${namespaceCsipAus12}">\n    <genConnectStatus>\n        <dateTime>1682475029</dateTime>\n        <value>07</value>\n    </genConnectStatus>\n    <operationalModeStatus>\n        <dateTime>1682475029</dateTime>\n        <value>2</value>\n    </operationalModeStatus>\n    <readingTime>1682475029</readingTime>\n</DERStatus>`,
    { strict: true },
  );
  assert.equal(document.csipAus, undefined, 'declared, and not used');
  const at = 1_682_475_029n;
  assert.deepEqual(document.value, {
    genConnectStatus: { dateTime: at, value: Uint8Array.of(7) },
    operationalModeStatus: { dateTime: at, value: 2 },
    readingTime: at,
  });
});

test('a response names its type by its element or by xsi:type, under whatever prefix', () => {
  const inner =
    '<createdDateTime>5</createdDateTime><endDeviceLFDI>01</endDeviceLFDI><status>2</status><subject>02</subject>';
  const value = {
    createdDateTime: 5n,
    endDeviceLFDI: Uint8Array.of(1),
    status: 2,
    subject: Uint8Array.of(2),
  };
  const own = parseDocument(`<DERControlResponse xmlns="${sep}">${inner}</DERControlResponse>`, { strict: true });
  assert.deepEqual([own.name, own.value], ['DERControlResponse', value]);
  const typed = parseDocument(
    `<Response xmlns="${sep}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="DERControlResponse">${inner}</Response>`,
    { strict: true },
  );
  assert.deepEqual([typed.name, typed.value], ['Response', { xsiType: 'DERControlResponse', ...value }]);
  const prefixed = parseDocument(
    `<s:Response xmlns:s="${sep}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="s:DERControlResponse">${inner.replace(/<(\/?)/g, '<$1s:')}</s:Response>`,
    { strict: true },
  );
  assert.deepEqual(prefixed.value, typed.value);
});

test('a notification carries a list of whatever type under its xsi:type, elements of CSIP-AUS in it', () => {
  const { value } = parseDocument(
    `<Notification xmlns="${sep}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:csipaus="${namespaceCsipAus13}"><subscribedResource>/derp/1/derc</subscribedResource><Resource xsi:type="DERControlList" all="1" results="1"><DERControl href="/derc/1"><mRID>01</mRID><creationTime>1</creationTime><EventStatus><currentStatus>1</currentStatus><dateTime>1</dateTime><potentiallySuperseded>0</potentiallySuperseded></EventStatus><interval><duration>300</duration><start>1</start></interval><DERControlBase><csipaus:opModGenLimW><multiplier>0</multiplier><value>1</value></csipaus:opModGenLimW></DERControlBase></DERControl></Resource><status>0</status><subscriptionURI>/edev/1/sub/1</subscriptionURI></Notification>`,
    { strict: true, expect: ['Notification'] },
  );
  assert.ok(value.Resource !== undefined && 'xsiType' in value.Resource && value.Resource.xsiType === 'DERControlList');
  assert.deepEqual(value.Resource.DERControl?.[0]?.DERControlBase, { opModGenLimW: { multiplier: 0, value: 1 } });
});

test('a byte order mark, comments and CDATA sections change nothing', () => {
  const plain = `<MessagingProgram xmlns="${sep}"><mRID>01</mRID><description>a &amp; b</description><locale>en</locale><primacy>1</primacy></MessagingProgram>`;
  const { value } = parseDocument(plain, { strict: true });
  const odd = `<?xml version="1.0" encoding="utf-8" standalone="yes"?><!-- made by hand -->\n${plain
    .replace('a &amp; b', '<!-- c -->a <![CDATA[& ]]>b')
    .replace('<primacy>1', '<!-- lower wins --><primacy><![CDATA[1]]>')}<!-- end -->\n`;
  for (const source of [odd, `\ufeff${odd}`, Buffer.from(odd), Buffer.from(`\ufeff${odd}`)]) {
    assert.deepEqual(parseDocument(source, { strict: true }).value, value);
  }
});

test('a vendor’s own elements and attributes are left out and counted, wherever they stand', () => {
  const { value, skipped } = parseDocument(
    `<Time xmlns="${sep}" xmlns:v="https://vendor.example/2030.5" v:build="7"><v:zone><v:name>x</v:name></v:zone><currentTime>1</currentTime><dstEndTime>0</dstEndTime><dstOffset>0</dstOffset><dstStartTime>0</dstStartTime><quality>7</quality><tzOffset>0</tzOffset><message>extra</message></Time>`,
  );
  assert.equal(skipped, 3);
  assert.deepEqual(value, {
    currentTime: 1n,
    dstEndTime: 0n,
    dstOffset: 0,
    dstStartTime: 0n,
    quality: 7,
    tzOffset: 0,
  });
});
