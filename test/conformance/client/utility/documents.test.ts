import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge, withoutSchemas } from '#ieee2030_5/judge/libxml.ts';
import { addCurve, reference } from '../curves.ts';
import type { RawRequest } from '../raw-server.ts';
import { Resources } from './resources.ts';
import { Utility } from './utility.ts';

const lfdi = '3E4F45AB31EDFE5B67E343E5E4562E31984E23E5';
const now = 1_782_000_000;

/** A utility that has one of everything. */
function full(): Utility {
  const utility = new Utility(() => now);
  Object.assign(utility, { isSubscribable: true, hasPricing: true });
  utility.register(lfdi, 11111);
  const program = utility.addProgram({ primacy: 1 });
  utility.setDefault(program, { modes: { opModImpLimW: 0, opModExpLimW: 200_000, opModMaxLimW: 80 }, setGradW: 27 });
  addCurve(
    program,
    'opModVoltVar',
    [
      [95, 40],
      [105, -40],
    ],
    reference.setMaxVar,
  );
  const event = { start: now, duration: 300, responseRequired: '03' };
  utility.addControl(program, { ...event, modes: { opModEnergize: true, opModConnect: false, opModFixedW: -75.5 } });
  utility.addControl(program, {
    ...event,
    randomizeStart: -60,
    rampSeconds: 60,
    modes: { opModStorageTargetW: -5000 },
  });
  utility.addControl(program, {
    ...event,
    modes: {
      opModFixedPFInjectW: {
        xml: '<displacement>900</displacement><excitation>false</excitation><multiplier>-3</multiplier>',
      },
      opModVoltVar: { xml: '', href: '/edev/1/derp/1/dc/1' },
    },
  });
  const tariff = utility.addTariff({ primacy: 0, fsaId: 1, priceMultiplier: -6 });
  const rate = utility.addRateComponent(tariff, { readingType: { commodity: 2, flowDirection: 1, uom: 72 } });
  const blocks = [
    { price: 1, startValue: 0 },
    { price: -2, startValue: 100 },
  ];
  utility.addInterval(tariff, { rateComponent: rate.id, start: now, duration: 300, blocks });
  utility.subscriptions.push({ id: 1, device: 1, resource: '/edev', notificationUri: 'https://127.0.0.1/x', limit: 1 });
  return utility;
}

const request = (path: string): RawRequest => ({
  method: 'GET',
  path,
  query: new URLSearchParams({ l: '255' }),
  headers: {},
  body: '',
  lfdi,
});

/** Every resource that can be reached from the DeviceCapability, by its path. */
function walked(utility: Utility): Map<string, string> {
  const resources = new Resources(utility);
  const found = new Map<string, string>();
  const open = ['/dcap', '/edev/1/sub'];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const { status, body = '' } = resources.answer(request(path));
    if (status !== 200 || found.has(path)) continue;
    found.set(path, body);
    for (const [, href = ''] of body.matchAll(/href="([^"]*)"/g)) if (!found.has(href)) open.push(href);
  }
  return found;
}

test('what the raw server says is valid by the XSD of CSIP-AUS v1.3', { skip: withoutSchemas }, () => {
  using judge = Judge.of('csip-aus-1.3');
  const found = walked(full());
  for (const path of [
    '/edev/1/derp/1/derc',
    '/edev/1/tp/1/ctti',
    '/edev/1/fsa/1/tp',
    '/edev/1/rg',
    '/edev/1/sub',
    '/edev/1/derp/1/dc/1',
  ]) {
    assert.ok(found.has(path), `${path} is not linked`);
  }
  for (const [path, body] of found) assert.equal(judge.refusal(Buffer.from(body)), undefined, `${path}\n${body}`);
});

test('a page has what s and l ask for, five at most, and tells of all', () => {
  const utility = full();
  const [program] = utility.programs;
  assert.ok(program !== undefined);
  for (let i = 0; i < 9; i++)
    utility.addControl(program, { start: now + i, duration: 60, modes: { opModExpLimW: i }, responseRequired: '00' });
  const resources = new Resources(utility);
  const page = (query: Record<string, string>): string =>
    resources.answer({ ...request('/edev/1/derp/1/derc'), query: new URLSearchParams(query) }).body ?? '';
  const countIn = (body: string): number => body.split('<DERControl ').length - 1;
  for (const [query, count] of [
    [{}, 1],
    [{ l: '255' }, 5],
    [{ s: '10', l: '5' }, 2],
    [{ s: '12', l: '5' }, 0],
  ] as const) {
    const body = page(query);
    assert.match(body, new RegExp(`all="12" results="${count}"`));
    assert.equal(countIn(body), count);
  }
});

test('a device that is not the own one does not exist, and what may not be done is told by Allow', () => {
  const resources = new Resources(full());
  assert.equal(resources.answer({ ...request('/edev/1'), lfdi: 'AB'.repeat(20) }).status, 404);
  assert.deepEqual(resources.answer({ ...request('/edev/1/fsa'), method: 'DELETE' }), {
    status: 405,
    headers: { allow: 'GET' },
  });
});
