import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, list, mrid, start } from '#edge/client/test-utility.ts';
import { watts } from '#edge/control/test-site.ts';
import { GATE_LEAD_SECONDS, WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import { FaultySite, type Second } from './faulty-site.ts';

const connection = { importLimitW: 20_000, exportLimitW: 8_000 };
const greatest = (seconds: readonly Second[]): number => Math.max(...seconds.map(({ gridW }) => 0 - gridW));

interface Case {
  readonly name: string;
  readonly lose: (site: FaultySite) => Promise<void> | void;
}

const cases: readonly Case[] = [
  {
    name: 'network lost',
    lose: (site) => {
      site.utility.isDown = true;
    },
  },
  // A name that no resolver knows (RFC 6761 §6.4), asked of the one of this machine.
  { name: 'DNS lost, and the board begins anew', lose: (site) => site.restart('https://head-end.invalid:8443/dcap') },
];

for (const { name, lose } of cases) {
  test(`${name}: events that were received run out, then the default holds`, async (t) => {
    const site = await FaultySite.start(t, { connection, charge: 100 });
    site.setDefault(watts('opModExpLimW', 500));
    site.utility.setControls([
      control({ mRID: 1, from: 60, seconds: 240, base: watts('opModExpLimW', 6_000) }),
      control({ mRID: 2, from: 300, seconds: 300, base: watts('opModExpLimW', 3_000) }),
    ]);
    await site.runTo(120);
    await lose(site);
    await site.runTo(900);
    const held = [
      site.between(200, 300),
      // A second after each of them begins.
      site.between(302, 600),
      site.between(602, 900),
    ].map(greatest);
    t.diagnostic(`export at most ${held.join(', ')} W`);
    assert.deepEqual(held, [6_000, 3_000, 500]);
    assert.equal(site.board.health.find(({ part }) => part === 'head-end')?.isWell, false);
  });
}

const grant = (energyWh: number, from: number): string =>
  `<FlowReservationResponse href="/frp/1"><mRID>${mrid(700)}</mRID><creationTime>${start}</creationTime>
   <EventStatus><currentStatus>0</currentStatus><dateTime>${start}</dateTime>
   <potentiallySuperseded>false</potentiallySuperseded></EventStatus>
   <interval><duration>${WINDOW_SECONDS}</duration><start>${start + from}</start></interval>
   <energyAvailable><multiplier>0</multiplier><value>${energyWh}</value></energyAvailable>
   <powerAvailable><multiplier>0</multiplier><value>0</value></powerAvailable><subject>${mrid(7)}</subject>
   </FlowReservationResponse>`;

test('server lost: what was traded is delivered, and trading stops at the gate until it is there again', async (t) => {
  const site = await FaultySite.start(t, { connection, pvW: () => 0, loadW: () => 1_000 });
  const { utility } = site;
  const links = '<FlowReservationRequestListLink href="/frq"/><FlowReservationResponseListLink href="/frp" all="1"/>';
  utility.documents.set('/edev', utility.text('/edev').replace('</changedTime>', `</changedTime>${links}`));
  // 3,600 W on the mean: what the load does not take, the battery does.
  utility.documents.set('/frp', list('FlowReservationResponseList', '', [grant(300, 600)]));
  const offers = (): readonly number[] =>
    utility.received
      .filter(({ what }) => what === 'POST /frq')
      .map(({ body }) => Number(/<intervalRequested>.*?<start>(\d+)/s.exec(body)?.[1]) - start);
  await site.runTo(450);
  const before = offers();
  assert.ok(before.length > 0, 'it trades');
  utility.isDown = true;
  await site.runTo(1_500);
  assert.deepEqual(offers(), before);
  const traded = site.between(660, 900).map(({ gridW }) => gridW);
  const untraded = site.between(960, 1_500).map(({ gridW }) => gridW);
  t.diagnostic(`${traded[0]} W from the grid while traded, ${untraded[0]} W later`);
  assert.ok(traded.every((gridW) => Math.abs(gridW - 3_600) < 100));
  assert.ok(
    untraded.every((gridW) => Math.abs(gridW) < 100),
    'nothing is traded on that was not granted',
  );
  utility.isDown = false;
  await site.runTo(2_200);
  const later = offers().slice(before.length);
  assert.ok(
    later.length > 0 && later.every((window) => window > 1_500 + GATE_LEAD_SECONDS),
    `${later.join()}: no gate that is closed`,
  );
});
