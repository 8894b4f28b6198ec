import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generateProcedures, procedureFolder } from './generate.ts';
import { procedures } from './procedures.generated.ts';

const withoutProcedures = existsSync(procedureFolder)
  ? false
  : 'the CSIP-AUS procedures are not there (../shared/ieee2030.5)';

test('the committed procedures are what the generator makes of the YAML files', { skip: withoutProcedures }, () => {
  const committed = readFileSync(new URL('procedures.generated.ts', import.meta.url), 'utf8');
  assert.equal(committed, generateProcedures());
});

test('all 61 server and 83 client procedures are there, each with steps', () => {
  assert.equal(Object.keys(procedures.server).length, 61);
  assert.equal(Object.keys(procedures.client).length, 83);
  for (const { clients, steps } of Object.values(procedures.server)) assert.ok(clients.length > 0 && steps.length > 0);
  for (const { steps } of Object.values(procedures.client)) assert.ok(Object.keys(steps).length > 0);
});
