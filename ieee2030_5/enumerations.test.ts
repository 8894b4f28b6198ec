import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import { codeTables } from './code-tables.ts';
import * as der from './enumerations-der.ts';
import * as codes from './enumerations.ts';
import { schemaFolder } from './generate.ts';
import { withoutSchemas } from './judge/libxml.ts';

/** Tables from the standard’s text or from CSIP-AUS, of which the XSD has no annotation. */
const elsewhere = ['Response.status', 'DOEControlType', 'VPPControlType'];

type Node = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** All annotations of a schema: `Type` and `Type.element` → text. */
function annotations(source: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (value: unknown, type: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, type);
    if (!isNode(value) || Array.isArray(value)) return;
    const name = value['@name'];
    const here = typeof name !== 'string' ? type : type === '' ? name : `${type}.${name}`;
    const annotation = value['xs:annotation'];
    if (isNode(annotation)) found.set(here, String(annotation['xs:documentation']));
    for (const [key, child] of Object.entries(value)) if (key.startsWith('xs:')) visit(child, here);
  };
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', htmlEntities: true });
  visit(Object.values((parser.parse(source) as Node)['xs:schema'] as Node), '');
  return found;
}

/** The values that an annotation lists, without its ranges and reserved ones. */
const listed = (text: string): number[] =>
  [...text.matchAll(/^\s*(?:Bit )?(\d+)\s*(?:-|=|–|:)\s*(.*)$/gm)]
    .filter(([, , rest = '']) => !/^\d|reserved|^[^:]*\d+:/i.test(rest))
    .map(([, value]) => Number(value));

test('the enumerations have exactly the values that the annotations of the XSD list', { skip: withoutSchemas }, () => {
  const texts = annotations(readFileSync(new URL('ed2018/sep.xsd', schemaFolder), 'utf8'));
  for (const [place, { names }] of Object.entries(codeTables)) {
    if (elsewhere.includes(place)) continue;
    // The codes of a time-stamped status stand at its type, not at its value.
    const text = texts.get(place.replace(/\.value$/, ''));
    assert.ok(text !== undefined, `no annotation of ${place}`);
    assert.deepEqual(
      Object.values(names).toSorted((a, b) => a - b),
      listed(text),
      `${place}: ${text}`,
    );
  }
});

test('every enumeration has its place in the schema', () => {
  const placed = new Set(Object.values(codeTables).map(({ names }) => names));
  const unplaced = Object.entries({ ...codes, ...der }).filter(([, table]) => !placed.has(table));
  assert.deepEqual(unplaced, []);
});

test('no enumeration names one value twice', () => {
  for (const table of [...Object.values(codes), ...Object.values(der)]) {
    assert.equal(new Set(Object.values(table)).size, Object.keys(table).length);
  }
});

test('the response status of 2018 ends with the three rejections', () => {
  const { rejectedNotApplicable, rejectedInvalid, rejectedLate } = codes.ResponseStatus2018;
  assert.deepEqual([rejectedNotApplicable, rejectedInvalid, rejectedLate], [252, 253, 254]);
});
