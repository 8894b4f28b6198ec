import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { control } from '../client/test-utility.ts';
import { type SiteOptions, TestSite } from './test-site.ts';

const siteWith = (t: TestContext, options: SiteOptions): Promise<TestSite> =>
  TestSite.start(t, { battery: false, traces: { pvW: () => 8_000, loadW: () => 0 }, ...options });

const codesOf = ({ utility }: TestSite): number[] =>
  utility.received
    .filter(({ what }) => what === 'POST /edev/1/lel')
    .map(({ body }) => Number(/<logEventCode>(\d+)/.exec(body)?.[1]));
const alarmsOf = ({ utility }: TestSite): string | undefined =>
  /<alarmStatus>(\w+)/.exec(utility.received.findLast(({ what }) => what.endsWith('/ders'))?.body ?? '')?.[1];

test('an inverter that trips is told of once as alarm and once as back to normal, in the status too', async (t) => {
  const site = await siteWith(t, {
    grid: (time) => ({
      voltagePercent: time >= 1_800_000_060 && time < 1_800_000_120 ? 125 : 100,
      frequencyHz: 60,
    }),
  });
  await site.runTo(100);
  assert.deepEqual([codesOf(site), alarmsOf(site)], [[2], '00000002']);
  await site.runTo(900);
  assert.deepEqual([codesOf(site), alarmsOf(site)], [[2, 3], '00000000']);
});

test('a shutdown that the utility has asked for is no alarm', async (t) => {
  const site = await siteWith(t, {});
  const base = '<opModConnect>false</opModConnect>';
  site.utility.setControls([control({ mRID: 1, from: 60, seconds: 67, base })]);
  await site.runTo(300);
  assert.ok(site.between(80, 120).every(({ pvW }) => pvW === 0));
  assert.deepEqual([codesOf(site), alarmsOf(site)], [[], '00000000']);
});
