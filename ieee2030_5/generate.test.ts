import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { generate } from './generate.ts';
import { withoutSchemas } from './judge/libxml.ts';
import { schemaOf } from './schema.ts';

const files = ['schema-table.generated.ts', 'types.generated.ts', 'wadl-table.generated.ts'] as const;

test('the committed table and types are what the generator makes of the XSDs', { skip: withoutSchemas }, () => {
  const made = generate();
  for (const file of files) assert.equal(readFileSync(new URL(file, import.meta.url), 'utf8'), made[file], file);
});

test('table and types together stay below 250 kB', () => {
  const bytes = files.reduce((sum, file) => sum + statSync(new URL(file, import.meta.url)).size, 0);
  assert.ok(bytes < 250_000, `${bytes} bytes`);
});

test('every type of every profile compiles, with unique names and known children', () => {
  for (const [profile, roots] of [
    ['ieee-2018', 324],
    ['csip-aus-1.2', 332],
    ['csip-aus-1.3', 338],
    ['any', 341],
  ] as const) {
    const all = [...schemaOf(profile).roots()];
    assert.equal(all.length, roots, profile);
    for (const { type } of all) {
      const names = [...type.elements, ...type.attributes].map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, `${type.name} has a name twice`);
    }
  }
});
