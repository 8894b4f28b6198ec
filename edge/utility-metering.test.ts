import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import type { MirrorMeterReading } from '#ieee2030_5/types.generated.ts';
import { list, start } from './client/test-utility.ts';
import { type Second, TestSite } from './control/test-site.ts';

const bytes = (body: string): Uint8Array => Buffer.from(body);

/** The readings of a channel, in the order in which they came: seconds since the start, and value. */
function readingsOf(site: TestSite, channel: string): { from: number; until: number; value: number }[] {
  const mRID = formatMrid(mridOf(`CONTROL_001/${channel}`));
  const posted = site.utility.received.filter(({ what }) => what === 'POST /mup/1');
  return posted
    .flatMap(({ body }) => parseAs('MirrorMeterReadingList', bytes(body)).MirrorMeterReading ?? [])
    .filter((each: MirrorMeterReading) => formatMrid(each.mRID) === mRID)
    .map(({ Reading }) => {
      const from = Number(Reading?.timePeriod?.start) - start;
      return { from, until: from + (Reading?.timePeriod?.duration ?? 0), value: Reading?.value ?? NaN };
    });
}

const mean = (seconds: readonly Second[], of: (second: Second) => number): number =>
  seconds.reduce((sum, second) => sum + of(second), 0) / seconds.length;

test('a utility that is not ours gets the two MirrorUsagePoints of TS 5573, with what was there on average', async (t) => {
  const site = await TestSite.start(t, { traces: { pvW: (at) => 4_000 + 10 * (at % 60), loadW: () => 1_500 } });
  const { utility } = site;
  await site.runTo(20);
  const points = utility.received
    .filter(({ what }) => what === 'POST /mup')
    .map(({ body }) => parseAs('MirrorUsagePoint', bytes(body)));
  assert.deepEqual(
    points.map(({ roleFlags }) => Buffer.from(roleFlags).toString('hex')),
    ['0003', '0049'],
  );
  // The list gives the rate, from its next poll on.
  const listed = points.map(
    ({ mRID }, i) =>
      `<MirrorUsagePoint href="/mup/${i + 1}"><mRID>${formatMrid(mRID)}</mRID><roleFlags>0003</roleFlags>
       <serviceCategoryKind>0</serviceCategoryKind><status>1</status><deviceLFDI>${'AB'.repeat(20)}</deviceLFDI>
       <postRate>60</postRate></MirrorUsagePoint>`,
  );
  utility.documents.set('/mup', list('MirrorUsagePointList', 'pollRate="60"', listed));
  await site.runTo(240);
  utility.isDown = true;
  await site.runTo(400);
  await site.restart();
  await site.runTo(500);
  utility.isDown = false;
  const time = utility.text('/tm');
  for (let at = 500; at <= 800; at++) {
    utility.documents.set('/tm', time.replace(`${start}`, `${start + at}`));
    await site.runTo(at);
  }

  const power = readingsOf(site, 'site/W');
  const minutes = power.map(({ from }) => from);
  assert.equal(new Set(minutes).size, minutes.length, 'none twice');
  assert.deepEqual(
    minutes,
    minutes.toSorted((a, b) => a - b),
  );
  // All but that in which the board learnt whose server it is, and that in which it was restarted.
  assert.deepEqual(minutes, [60, 120, 180, 240, 300, 420, 480, 540, 600, 660, 720]);
  for (const { from, until, value } of power) {
    assert.equal(until, from + 60);
    const measured = mean(site.between(from + 1, until + 1), ({ gridW }) => gridW);
    assert.ok(Math.abs(value - measured) <= 20, `${value} W told of ${measured} W from ${from} on`);
  }
  const given = readingsOf(site, 'der/W').find(({ from }) => from === 180);
  const was = mean(site.between(181, 241), ({ pvW, batteryW }) => pvW + batteryW);
  assert.ok(given !== undefined && Math.abs(given.value - was) <= 20, `${given?.value} W told of ${was} W`);
  for (const channel of ['site/V', 'site/var', 'der/var', 'der/V', 'der/Hz', 'der/storedWh']) {
    assert.ok(readingsOf(site, channel).length >= 11, channel);
  }
  // Each run makes its two anew, and never one of the campus.
  assert.equal(utility.received.filter(({ what }) => what === 'POST /mup').length, 4);
  assert.ok(site.board.outbox.size <= 1, 'what was measured before the board knew is kept, and no more');
});
