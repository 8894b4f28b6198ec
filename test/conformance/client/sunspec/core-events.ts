import assert from 'node:assert/strict';
import {
  addControl,
  addProgram,
  assertAnswers,
  exportLimit,
  nothing,
  onePoll,
  type SunSpecTest,
  sunSpecTest,
  withClient,
} from './scene.ts';

/** Subscriptions, randomisation and responses. */
export const coreEventTests: readonly SunSpecTest[] = [
  sunSpecTest('CORE-018', 'subscription basic', (stand) =>
    withClient(
      { stand, subscribes: true },
      (subject) => {
        subject.server.utility.isSubscribable = true;
        subject.server.utility.setRates({ derp: 3600 });
        addProgram(subject);
      },
      async (subject) => {
        const { utility, ...server } = { utility: subject.server.utility, notifier: subject.server.notifier };
        await subject.pass(onePoll);
        assert.ok(utility.subscriptions.some(({ resource }) => resource === '/edev/1/derp/1/derc'));
        const [program] = utility.programs;
        assert.ok(program !== undefined);
        const control = addControl(subject, program, exportLimit(500), { seconds: 60 });
        await subject.pass(10);
        assertAnswers(subject, control, [1, 2]);
        assert.ok(server.notifier.sent.every(({ status }) => status >= 200 && status < 300));
      },
    ),
  ),
  sunSpecTest('CORE-019', 'subscription advanced: every list, and a subscription that ends', (stand) =>
    withClient(
      { stand, subscribes: true },
      (subject) => {
        subject.server.utility.isSubscribable = true;
        addProgram(subject);
      },
      async (subject) => {
        const { utility, notifier } = { utility: subject.server.utility, notifier: subject.server.notifier };
        await subject.pass(onePoll);
        const subscribed = new Set(utility.subscriptions.map(({ resource }) => resource));
        const lists = ['/edev', '/edev/1/fsa', '/edev/1/fsa/1/derp', '/edev/1/derp/1/derc', '/edev/1/derp/1/dderc'];
        assert.deepEqual(
          lists.filter((list) => !subscribed.has(list)),
          [],
        );
        const second = addProgram(subject, 2);
        await subject.pass(15);
        assert.ok(utility.subscriptions.some(({ resource }) => resource === `/edev/1/derp/${second.id}/derc`));
        // Without its subscriptions the client polls.
        for (const subscription of utility.subscriptions.splice(0)) await notifier.notify(subscription, 1);
        utility.isSubscribable = false;
        const control = addControl(subject, second, exportLimit(500), { seconds: 600 });
        await subject.pass(2 * onePoll);
        assertAnswers(subject, control, [1, 2]);
      },
    ),
  ),
  sunSpecTest('CORE-021', 'randomised events', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const program = addProgram(subject);
      const begun = subject.now;
      const controls = [60, -60, 120, -120, 300, -300].map((randomizeStart, i) =>
        addControl(subject, program, exportLimit(500), {
          from: 600 + i * 1200,
          seconds: 300,
          randomizeStart,
          randomizeDuration: -randomizeStart / 2,
        }),
      );
      await subject.pass(600 + controls.length * 1200);
      const shifts = controls.map((control, i) => {
        assertAnswers(subject, control, [1, 2, 3]);
        const times = subject.server.utility.responses
          .filter(({ subject: mrid }) => mrid === control.mrid)
          .map(({ at }) => at);
        const [, startedAt = 0, endedAt = 0] = times;
        const { randomizeStart = 0 } = control;
        const shift = startedAt - (begun + 600 + i * 1200);
        assertBetween(shift, 0, randomizeStart, 'start');
        assertBetween(endedAt - startedAt - 300, 0, -randomizeStart / 2, 'duration');
        return shift;
      });
      assert.ok(
        shifts.some((shift) => shift !== 0),
        'no start was randomised',
      );
    }),
  ),
  sunSpecTest('CORE-022', 'responses basic', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const program = addProgram(subject);
      // responseRequired: bit 0 received, bit 1 what became of it (IEEE 2030.5-2018, RespondableResource).
      const wanted = { '00': [], '01': [1], '02': [2, 3], '03': [1, 2, 3] } as const;
      const controls = Object.keys(wanted).map((responseRequired, i) =>
        addControl(subject, program, exportLimit(500), { from: 120 + i * 120, seconds: 60, responseRequired }),
      );
      await subject.pass(700);
      for (const [i, expected] of Object.values(wanted).entries()) {
        const control = controls[i];
        assert.ok(control !== undefined);
        assertAnswers(subject, control, expected);
      }
    }),
  ),
  sunSpecTest('CORE-023', 'responses advanced: cancelled and superseded', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      const [low, high] = [addProgram(subject, 2), addProgram(subject, 1)];
      const before = addControl(subject, low, exportLimit(500), { from: 300, seconds: 600, tag: 'cancelled before' });
      await subject.pass(onePoll);
      utility.cancelControls(({ tag }) => tag === 'cancelled before');
      await subject.pass(onePoll);
      assertAnswers(subject, before, [1, 6]);
      const during = addControl(subject, low, exportLimit(500), { seconds: 600, tag: 'cancelled while it acts' });
      await subject.pass(onePoll);
      assertAnswers(subject, during, [1, 2]);
      utility.cancelControls(({ tag }) => tag === 'cancelled while it acts');
      await subject.pass(onePoll);
      assertAnswers(subject, during, [1, 2, 6]);
      const under = addControl(subject, low, exportLimit(500), { seconds: 600, tag: 'superseded' });
      await subject.pass(onePoll);
      const over = addControl(subject, high, exportLimit(400), { seconds: 60 });
      await subject.pass(2 * onePoll);
      assertAnswers(subject, under, [1, 2, 7]);
      assertAnswers(subject, over, [1, 2, 3]);
    }),
  ),
];

function assertBetween(value: number, one: number, other: number, what: string): void {
  // A second or two go by until the exchange.
  const [least, most] = [Math.min(one, other) - 2, Math.max(one, other) + 5];
  assert.ok(value >= least && value <= most, `${what}: ${value} s, ${least} to ${most} s are allowed`);
}
