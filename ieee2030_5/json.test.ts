import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Compile } from 'typebox/schema';
import { GridError } from '#hal/errors.ts';
import { choicesOf } from './judge/choices.ts';
import { Values } from './judge/values.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { fromJson, type Json, toJson } from './json.ts';
import { schemaOf } from './schema.ts';
import type { DERControl, RootName, Roots } from './types.generated.ts';

const schema = schemaOf('any');
const roots = [...schema.roots()];
const values = new Values(schema);
const wire = (json: Json): unknown => JSON.parse(JSON.stringify(json));
const documents = fc
  .constantFrom(...roots)
  .chain((root) => fc.record({ root: fc.constant(root), value: values.document(root), seed: fc.nat() }));

const refusal = (name: RootName, json: unknown): GridError | undefined => {
  try {
    fromJson(name, json);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof GridError, String(error));
    return error;
  }
};

const control: DERControl = {
  mRID: Uint8Array.of(1, 0xab),
  creationTime: 1_767_225_600n,
  EventStatus: { currentStatus: 0, dateTime: 1n << 60n, potentiallySuperseded: false },
  interval: { duration: 60, start: 0n },
  DERControlBase: { opModImpLimW: { multiplier: 0, value: 1500 }, opModExpLimW: { multiplier: 1, value: -1 } },
};

test('octets become hex digits, 64-bit integers numbers, or strings where a number is not exact', () => {
  assert.deepEqual(toJson('DERControl', control), {
    mRID: '01AB',
    creationTime: 1_767_225_600,
    EventStatus: { currentStatus: 0, dateTime: '1152921504606846976', potentiallySuperseded: false },
    interval: { duration: 60, start: 0 },
    DERControlBase: { opModImpLimW: { multiplier: 0, value: 1500 }, opModExpLimW: { multiplier: 1, value: -1 } },
  });
  assert.deepEqual(fromJson('DERControl', wire(toJson('DERControl', control))), control);
});

test('a document of every root element comes back from JSON as it was', () => {
  for (const root of roots) {
    const name = root.name as RootName;
    const same = (value: unknown): void => {
      assert.deepEqual(fromJson(name, wire(toJson(name, value as Roots[RootName]))), value);
    };
    fc.assert(fc.property(values.document(root), same), { numRuns: 3 });
  }
});

test('a fault has its code and tells its place as a JSON pointer', () => {
  const json = toJson('DERControl', control) as Readonly<Record<string, Json>>;
  const status = json['EventStatus'] as Readonly<Record<string, Json>>;
  const list = { all: 1, results: 1, DERControl: [json, { ...json, EventStatus: { ...status, currentStatus: 256 } }] };
  let deep: Json = { subscribedResource: '', subscriptionURI: '', status: 0 };
  for (let i = 0; i < 10_000; i++) deep = { ...deep, Resource: { xsiType: 'Notification', ...deep } };
  const cases: readonly (readonly [code: string, pointer: string, name: RootName, json: unknown])[] = [
    ['GTX-JSN-001', '', 'Nothing' as RootName, {}],
    ['GTX-JSN-002', '', 'DERControl', null],
    ['GTX-JSN-002', '', 'DERControl', [json]],
    ['GTX-JSN-002', '/mRID', 'DERControl', { ...json, mRID: 1 }],
    ['GTX-JSN-002', '/mRID', 'DERControl', { ...json, mRID: null }],
    ['GTX-JSN-002', '/DERControl', 'DERControlList', { all: 0, results: 0, DERControl: {} }],
    ['GTX-JSN-002', '/interval/duration', 'DERControl', { ...json, interval: { duration: '60', start: 0 } }],
    ['GTX-JSN-002', '/interval/start', 'DERControl', { ...json, interval: { duration: 60, start: true } }],
    ['GTX-JSN-002', '/enabled', 'EndDevice', { sFDI: 1, changedTime: 1, enabled: 1 }],
    ['GTX-JSN-003', '/mrid', 'DERControl', { ...json, mrid: '01' }],
    ['GTX-JSN-003', '/a~1b~0', 'DERControl', { ...json, 'a/b~': '01' }],
    ['GTX-JSN-003', '/__proto__', 'Link', JSON.parse('{"href":"/","__proto__":{}}')],
    ['GTX-JSN-004', '/interval', 'DERControl', { ...json, interval: { duration: 60 } }],
    ['GTX-JSN-004', '', 'Link', {}],
    ['GTX-JSN-005', '/interval/duration', 'DERControl', { ...json, interval: { duration: 1.5, start: 0 } }],
    ['GTX-JSN-005', '/interval/duration', 'DERControl', { ...json, interval: { duration: 1e40, start: 0 } }],
    ['GTX-JSN-005', '/interval/start', 'DERControl', { ...json, interval: { duration: 1, start: 2 ** 53 } }],
    ['GTX-JSN-005', '/interval/start', 'DERControl', { ...json, interval: { duration: 1, start: ' 1' } }],
    ['GTX-JSN-005', '/mRID', 'DERControl', { ...json, mRID: 'abc' }],
    ['GTX-JSN-005', '/description', 'DERControl', { ...json, description: '\0' }],
    ['GTX-JSN-005', '/href', 'Link', { href: '%' }],
    ['GTX-JSN-006', '/DERControl/1/EventStatus/currentStatus', 'DERControlList', list],
    ['GTX-JSN-006', '/description', 'DERControl', { ...json, description: 'x'.repeat(33) }],
    ['GTX-JSN-006', '/mRID', 'DERControl', { ...json, mRID: '00'.repeat(17) }],
    ['GTX-JSN-006', '/interval/start', 'DERControl', { ...json, interval: { duration: 1, start: '9'.repeat(30) } }],
    [
      'GTX-JSN-006',
      '/CurveData',
      'DERCurve',
      { mRID: '', creationTime: 0, curveType: 0, xMultiplier: 0, yMultiplier: 0, yRefType: 0, CurveData: [] },
    ],
    ['GTX-JSN-007', '/Resource/xsiType', 'Notification', { ...deep, Resource: { xsiType: 'Condition' } }],
    ['GTX-JSN-007', '/Resource/xsiType', 'Notification', { ...deep, Resource: { xsiType: 1 } }],
    ['GTX-JSN-008', '/Resource'.repeat(32), 'Notification', deep],
  ];
  for (const [code, pointer, name, document] of cases) {
    const error = refusal(name, document);
    assert.equal(error?.code, code, `${pointer}: ${error?.message}`);
    if (code !== 'GTX-JSN-001') assert.ok(error.message.startsWith(`${pointer || 'The document'}: `), error.message);
  }
});

test('the JSON schema takes what we write, and refuses what we refuse', () => {
  const odd: readonly Json[] = [
    null,
    true,
    -1,
    0,
    255,
    256,
    70_000,
    1.5,
    '',
    '0g',
    'AB',
    'x'.repeat(200),
    [],
    {},
    [{}],
  ];
  const change = (json: unknown, choose: (count: number) => number): unknown => {
    if (typeof json !== 'object' || json === null || choose(3) === 0) return odd[choose(odd.length)];
    const keys = Object.keys(json);
    if (keys.length === 0 || choose(5) === 0) return Array.isArray(json) ? [] : { ...json, more: 1 };
    const key = keys[choose(keys.length)] ?? '';
    const members = json as Record<string, unknown>;
    if (choose(4) > 0) members[key] = change(members[key], choose);
    else if (Array.isArray(json)) json.splice(Number(key), 1);
    else delete members[key];
    return json;
  };
  const tally = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(documents, ({ root, value, seed }) => {
      const name = root.name as RootName;
      const validator = Compile(jsonSchemaOf(name));
      const written = wire(toJson(name, value as Roots[RootName]));
      assert.ok(validator.Check(written), JSON.stringify([written, validator.Errors(written)]));
      const changed = change(structuredClone(written), choicesOf(seed));
      const error = refusal(name, changed);
      // JSON Schema cannot tell characters that XML lacks; URIs are judged by our own reading of RFC 3986.
      if (error?.code === 'GTX-JSN-005' && /URI|blanks|XML/.test(error.message)) return;
      assert.equal(validator.Check(changed), error === undefined, `${name} ${JSON.stringify(changed)} ${error}`);
      tally[error === undefined ? 'valid' : 'invalid']++;
    }),
    { numRuns: 150 },
  );
  assert.ok(tally.valid > 10 && tally.invalid > 50, JSON.stringify(tally));
});

test('the JSON schema names types, ranges, lengths, codes and bits', () => {
  const { $ref, $defs } = jsonSchemaOf('DERControl', { refs: '#/components/schemas/' });
  assert.equal($ref, '#/components/schemas/DERControl');
  const properties = (type: string) => ($defs[type] as { properties: Record<string, Json> }).properties;
  assert.deepEqual(properties('DERControl')['description'], { type: 'string', maxLength: 32 });
  assert.deepEqual(properties('DERControl')['mRID'], { type: 'string', pattern: '^([0-9A-Fa-f]{2}){0,16}$' });
  assert.deepEqual(properties('DERControl')['responseRequired'], {
    type: 'string',
    pattern: '^([0-9A-Fa-f]{2}){0,1}$',
    description: 'Bits: 0 received, 1 specific, 2 customer',
  });
  assert.deepEqual(properties('EventStatus')['currentStatus'], {
    type: 'integer',
    minimum: 0,
    maximum: 255,
    description: 'Codes: 0 scheduled, 1 active, 2 cancelled, 3 cancelledWithRandomization, 4 superseded',
  });
  const reading = jsonSchemaOf('ReadingType').$defs['ReadingType'] as {
    properties: Record<string, { description: string }>;
  };
  assert.match(reading.properties['uom']?.description ?? '', /38 watts.*72 wattHours/);
  assert.throws(() => jsonSchemaOf('Nothing' as RootName), TypeError);
});
