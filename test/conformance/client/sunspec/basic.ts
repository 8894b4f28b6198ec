import assert from 'node:assert/strict';
import {
  addControl,
  assertAnswers,
  assertPower,
  comesBackWithin,
  derStatusOf,
  onePoll,
  setGrid,
  type SunSpecTest,
  sunSpecTest,
  sunW,
  withClient,
  withSite,
  nothing,
} from './scene.ts';

/** Who a device is, the groups it is in, and what it tells of its state. */
export const basicTests: readonly SunSpecTest[] = [
  sunSpecTest('BASIC-001', 'DER identification: LFDI and SFDI', (stand) =>
    withClient(
      { stand, registration: 'in band', devices: undefined },
      ({ server: { utility } }) => void utility.devices.splice(0),
      async (subject) => {
        await subject.pass(onePoll);
        const posted = subject.server.utility.active?.put.get('edev')?.node;
        assert.ok(posted !== undefined, 'no EndDevice was POSTed');
        assert.equal(posted.value('lFDI'), subject.identity.lfdi);
        assert.equal(posted.value('sFDI'), subject.server.utility.active?.sfdi);
      },
    ),
  ),
  sunSpecTest('BASIC-002', 'group management: the programs of its groups', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      utility.register('AB'.repeat(20), undefined);
      const own = utility.addProgram({ primacy: 1, devices: [1] });
      const other = utility.addProgram({ primacy: 0, devices: [2] });
      const control = addControl(subject, own, { opModMaxLimW: 50 }, { seconds: 60 });
      const foreign = addControl(subject, other, { opModMaxLimW: 10 }, { seconds: 60 });
      await subject.pass(2 * onePoll);
      assertAnswers(subject, control, [1, 2, 3]);
      assertAnswers(subject, foreign, []);
    }),
  ),
  sunSpecTest('BASIC-003', 'group management: groups that come and go', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      const stays = utility.addProgram({ primacy: 2, fsaId: 1 });
      const goes = utility.addProgram({ primacy: 1, fsaId: 2 });
      const first = addControl(subject, goes, { opModMaxLimW: 50 }, { seconds: 3600 });
      await subject.pass(onePoll);
      assertAnswers(subject, first, [1, 2]);
      utility.removeFsa(2);
      await subject.pass(onePoll);
      const late = addControl(subject, goes, { opModMaxLimW: 40 }, { seconds: 60 });
      const own = addControl(subject, stays, { opModMaxLimW: 60 }, { seconds: 60 });
      await subject.pass(2 * onePoll);
      assertAnswers(subject, late, []);
      assertAnswers(subject, own, [1, 2, 3]);
    }),
  ),
  sunSpecTest('BASIC-027', 'alarms', (stand) =>
    withSite({ stand }, nothing, async (site) => {
      const { utility } = site.server;
      await site.pass(onePoll);
      const logged = (): number => utility.active?.posted.get('lel')?.length ?? 0;
      const before = logged();
      setGrid(site, 125, 60);
      await site.pass(120);
      assert.ok(logged() > before, 'no LogEvent of the alarm');
      assert.ok((derStatusOf(site)?.bits('alarmStatus') ?? 0) !== 0, 'no alarm in DERStatus');
      const during = logged();
      setGrid(site, 100, 60);
      await site.pass(comesBackWithin);
      assert.ok(logged() > during, 'no LogEvent of the return to normal');
      assert.equal(derStatusOf(site)?.bits('alarmStatus'), 0);
    }),
  ),
  sunSpecTest('BASIC-028', 'inverter status', (stand) =>
    withSite({ stand }, nothing, async (site) => {
      await site.pass(2 * onePoll);
      const status = derStatusOf(site);
      assert.ok(status !== undefined, 'no DERStatus was PUT');
      assert.equal(status.bits('genConnectStatus', 'value'), 7);
      assert.equal(status.number('operationalModeStatus', 'value'), 2);
      assert.ok([4, 5].includes(status.number('inverterStatus', 'value') ?? -1), 'inverterStatus');
      site.pvW = 0;
      await site.pass(2 * onePoll);
      assert.equal((derStatusOf(site)?.bits('genConnectStatus', 'value') ?? 7) & 4, 0, 'still operating without sun');
    }),
  ),
  sunSpecTest('BASIC-029', 'meter reading', (stand) =>
    withSite({ stand }, nothing, async (site) => {
      await site.pass(12 * onePoll);
      const { mirrors } = site.server.utility;
      const types = mirrors.flatMap(({ meterReadings }) => [...meterReadings.values()]);
      // CSIP v2.1 §6.1.4: active and reactive power, voltage and frequency are what a utility asks for.
      for (const uom of [38, 63, 29]) {
        const enough = types.some((one) => one.type?.number('uom') === uom && one.readings.size >= 3);
        assert.ok(enough, `fewer than three readings of uom ${uom}`);
      }
      const power = types.find(({ type }) => type?.number('uom') === 38);
      const last = [...(power?.readings.values() ?? [])].at(-1);
      assert.ok(last !== undefined);
      assertPower(
        'the last reading',
        Math.abs(last.value * 10 ** (power?.type?.number('powerOfTenMultiplier') ?? 0)),
        sunW,
      );
    }),
  ),
];
