import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzFor, seeds, survives } from './judge/fuzz.ts';
import { namespace2018 } from './namespaces.ts';
import { parseDocument } from './parse.ts';

const ns = `xmlns="${namespace2018}"`;
const mebibyte = 1 << 20;

test('the documents that the fuzzer starts from are all read', () => {
  for (const source of seeds) parseDocument(source, { strict: true });
});

test('for a minute mutated documents and random bytes are read or refused with a code, each in bounded time', (t) => {
  const { read, refused } = fuzzFor(2030_5, 60, (line) => t.diagnostic(line));
  assert.ok(read > 5000 && refused > 30_000, `${read} read, ${refused} refused`);
});

test('hostile sizes within 1 MiB are read or refused in bounded time', () => {
  const fill = (piece: string, room = mebibyte - 300): string => piece.repeat(Math.floor(room / piece.length));
  const inputs: Readonly<Record<string, string>> = {
    'nested 10,000 deep, known': `<Notification ${ns}>${'<Resource>'.repeat(10_000)}`,
    'nested 10,000 deep, unknown': `<Time ${ns}>${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}</Time>`,
    'nested to the limit': `<Time ${ns}>${fill('<a>')}`,
    'one huge attribute': `<Link ${ns} href="/${fill('a')}"/>`,
    'one huge attribute of references': `<Link ${ns} href="/${fill('&amp;')}"/>`,
    'one huge URI with escapes': `<Link ${ns} href="${fill('%41')}"/>`,
    'one huge URI that fails at its end': `<Link ${ns} href="${fill('a:@')}%"/>`,
    'one huge name': `<${fill('a')} ${ns}/>`,
    'one huge name of an attribute': `<Link ${ns} ${fill('a')}=""/>`,
    'many attributes': `<Link ${ns} ${Array.from({ length: 60_000 }, (_, i) => `a${i}=""`).join(' ')}/>`,
    'many namespaces': `<Link ${ns} ${Array.from({ length: 30_000 }, (_, i) => `xmlns:a${i}="u"`).join(' ')}/>`,
    'a namespace at every level': `<Time ${ns}>${fill('<a xmlns:b="u">')}`,
    'many elements with a namespace': `<Time ${ns}>${fill('<a xmlns:b="u"/>')}</Time>`,
    'blanks in a tag': `<Link ${ns}${fill(' ')}/>`,
    'blanks around a value': `<mRIDType ${ns}>${fill(' ')}</mRIDType>`,
    'blanks that end in a fault': `<mRIDType ${ns}>${fill(' ')}x`,
    digits: `<TimeType ${ns}>${fill('9')}</TimeType>`,
    'leading zeros': `<TimeType ${ns}>${fill('0')}</TimeType>`,
    'hexadecimal digits': `<mRIDType ${ns}>${fill('00')}</mRIDType>`,
    comments: `<Time ${ns}>${fill('<!---->')}`,
    'a comment without an end': `<Time ${ns}><!--${fill('- ')}`,
    'CDATA sections': `<mRIDType ${ns}>${fill('<![CDATA[]]>')}</mRIDType>`,
    'CDATA without an end': `<mRIDType ${ns}><![CDATA[${fill(']')}`,
    references: `<mRIDType ${ns}>${fill('&#48;')}</mRIDType>`,
    ampersands: `<mRIDType ${ns}>${fill('&')}</mRIDType>`,
    'characters beyond ASCII': `<mRIDType ${ns}>${fill('é', mebibyte / 2 - 300)}</mRIDType>`,
    'list items': `<EndDeviceList ${ns} all="0" results="0">${fill('<EndDevice><sFDI>0</sFDI><changedTime>0</changedTime></EndDevice>')}</EndDeviceList>`,
    'end tags': `<Time ${ns}>${fill('</a>')}`,
    'a declaration without an end': `<?xml version="1.0" ${fill(' ')}`,
    'nothing but blanks': fill(' '),
  };
  for (const [what, source] of Object.entries(inputs)) {
    assert.ok(Buffer.byteLength(source) <= mebibyte, what);
    survives(Buffer.from(source), what);
    survives(source, what);
  }
});

test('more than 1 MiB is not looked at', () => {
  const source = `<Time ${ns}>${' '.repeat(mebibyte)}`;
  for (const input of [source, Buffer.from(source)]) {
    assert.throws(() => parseDocument(input), { code: 'GTX-XML-004' });
  }
});
