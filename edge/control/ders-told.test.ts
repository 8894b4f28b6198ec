import assert from 'node:assert/strict';
import { test } from 'node:test';
import { list } from '../client/test-utility.ts';
import { TestSite } from './test-site.ts';

test('a server with two places in its DERList hears of the inverter at the first and of the storage at the second', async (t) => {
  const site = await TestSite.start(t);
  const one = /<DER .*<\/DER>/s.exec(site.utility.text('/edev/1/der'))?.[0] ?? '';
  const places = list('DERList', 'pollRate="60"', [one, one.replaceAll('/der/1', '/der/2')]);
  site.utility.documents.set('/edev/1/der', places);
  await site.runTo(90);
  const told = (der: number, what: string): string =>
    site.utility.received.findLast((each) => each.what === `PUT /edev/1/der/${der}/${what}`)?.body ?? '';
  assert.deepEqual(
    [1, 2].map((der) => /<type>(\d+)/.exec(told(der, 'dercap'))?.[1]),
    ['4', '80'],
  );
  assert.deepEqual(
    [1, 2].map((der) => told(der, 'ders').includes('<stateOfChargeStatus>')),
    [false, true],
  );
});
