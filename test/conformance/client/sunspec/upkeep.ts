/** AGG-001, ERR and MAINT: what a client does when its server, its groups and its subscriptions change. */
import assert from 'node:assert/strict';
import { aggregated } from '../client-under-test.ts';
import { RawServer } from '../raw-server.ts';
import {
  addControl,
  assertAnswers,
  onePoll,
  pollSeconds,
  type SunSpecTest,
  sunSpecTest,
  timesOf,
  withClient,
  nothing,
} from './scene.ts';

const limit = (watts: number): { opModExpLimW: number } => ({ opModExpLimW: watts });

export const upkeepTests: readonly SunSpecTest[] = [
  sunSpecTest('AGG-001', 'aggregator: subscriptions for all its devices', (stand) => {
    const devices = aggregated(3);
    return withClient(
      { stand, devices, subscribes: true },
      (subject) => {
        const { utility } = subject.server;
        utility.isSubscribable = true;
        utility.setRates({ derp: 3600, fsa: 3600, edev: 3600 });
        utility.register(subject.identity.lfdi, undefined, 0);
        for (const { lfdi } of devices) utility.register(lfdi, undefined);
        utility.addProgram({ primacy: 1 });
      },
      async (subject) => {
        const { utility, notifier } = { utility: subject.server.utility, notifier: subject.server.notifier };
        await subject.pass(onePoll);
        const [program] = utility.programs;
        assert.ok(program !== undefined);
        for (const id of [1, 2, 3]) {
          assert.ok(
            utility.subscriptions.some(({ resource }) => resource === `/edev/${id}/derp/1/derc`),
            `device ${id}`,
          );
        }
        const control = addControl(subject, program, limit(500), { seconds: 60 });
        await subject.pass(90);
        for (const id of [1, 2, 3]) assertAnswers(subject, control, [1, 2, 3], id);
        assert.ok(notifier.sent.length > 0 && notifier.sent.every(({ status }) => status >= 200 && status < 300));
      },
    );
  }),
  sunSpecTest('ERR-001', 'redirects, within the server and to another one', async (stand) => {
    await withClient(
      { stand },
      ({ server }) => void server.utility.addProgram({ primacy: 1 }),
      async (subject) => {
        const { server } = subject;
        const [program] = server.utility.programs;
        assert.ok(program !== undefined);
        await using other = new RawServer(await stand.identity('server-2'), (request) =>
          server.resources.answer(request),
        );
        await other.start();
        server.override = ({ path }) => {
          if (path === '/edev') return { status: 301, headers: { location: '/moved/edev' } };
          if (path === '/edev/1/fsa') return { status: 302, headers: { location: `${other.origin}/edev/1/fsa` } };
          return undefined;
        };
        server.utility.aliases.set('/moved/edev', '/edev');
        const control = addControl(subject, program, limit(500), { seconds: 60 });
        await subject.pass(2 * onePoll);
        assertAnswers(subject, control, [1, 2, 3]);
        assert.ok(other.handshakes.length > 0, 'the other server was not asked');
        await subject.shutDown();
      },
    );
  }),
  sunSpecTest('ERR-002', 'subscriptions survive a reset', (stand) =>
    withClient(
      { stand, subscribes: true },
      ({ server: { utility } }) => {
        utility.isSubscribable = true;
        utility.setRates({ derp: 3600 });
        utility.addProgram({ primacy: 1 });
      },
      async (subject) => {
        const { utility, notifier } = { utility: subject.server.utility, notifier: subject.server.notifier };
        await subject.pass(onePoll);
        const before = utility.subscriptions.map(({ resource }) => resource).toSorted();
        subject.powerCycle();
        await subject.pass(onePoll);
        // The same resources, once each, and where the client listens now.
        assert.deepEqual(utility.subscriptions.map(({ resource }) => resource).toSorted(), before);
        notifier.sent.length = 0;
        const [program] = utility.programs;
        assert.ok(program !== undefined);
        const control = addControl(subject, program, limit(500), { seconds: 60 });
        await subject.pass(15);
        assertAnswers(subject, control, [1, 2]);
        assert.ok(notifier.sent.length > 0 && notifier.sent.every(({ status }) => status >= 200 && status < 300));
      },
    ),
  ),
  sunSpecTest('MAINT-001', 'removal of an EndDevice out of band, and its return', (stand) =>
    withClient(
      { stand },
      ({ server: { utility } }) => void utility.addProgram({ primacy: 1 }),
      async (subject) => {
        const { utility } = subject.server;
        const [program] = utility.programs;
        const [device] = utility.devices;
        assert.ok(program !== undefined && device !== undefined);
        const first = addControl(subject, program, limit(500), { seconds: 60 });
        await subject.pass(2 * onePoll);
        assertAnswers(subject, first, [1, 2, 3]);
        device.removed = true;
        await subject.pass(2 * onePoll);
        // It looks whether it is back, and asks for nothing of what it had.
        const gone = subject.now;
        await subject.pass(10 * pollSeconds);
        const asked = new Set(subject.server.requests.all.filter(({ at }) => at > gone).map(({ path }) => path));
        assert.deepEqual(
          [...asked].filter((path) => path.startsWith('/edev/1')),
          [],
        );
        device.removed = false;
        const second = addControl(subject, program, limit(500), { from: 1000, seconds: 60 });
        await subject.pass(1200);
        assertAnswers(subject, second, [1, 2, 3]);
      },
    ),
  ),
  sunSpecTest('MAINT-002', 'removal and registration in band', (stand) =>
    withClient(
      { stand, registration: 'in band' },
      ({ server: { utility } }) => void utility.addProgram({ primacy: 1 }),
      async (subject) => {
        const { utility } = subject.server;
        await subject.pass(onePoll);
        const [device] = utility.devices;
        const [program] = utility.programs;
        assert.ok(device !== undefined && program !== undefined);
        device.removed = true;
        await subject.pass(2 * onePoll);
        // A client that may registers once more, and goes on under its new EndDevice.
        const [again] = utility.devices.filter(({ removed }) => !removed);
        assert.equal(again?.lfdi, subject.identity.lfdi);
        const control = addControl(subject, program, limit(500), { seconds: 60 });
        await subject.pass(2 * onePoll);
        assertAnswers(subject, control, [1, 2, 3], again.id);
        assert.equal(timesOf(subject, 'POST', '/edev').length, 1);
      },
    ),
  ),
  sunSpecTest('MAINT-003', 'reassignment of FunctionSetAssignments', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      const [one, two] = [utility.addProgram({ primacy: 2, fsaId: 1 }), utility.addProgram({ primacy: 1, fsaId: 2 })];
      utility.removedFsas.add(2);
      const first = addControl(subject, one, limit(500), { seconds: 3600 });
      await subject.pass(onePoll);
      assertAnswers(subject, first, [1, 2]);
      utility.removedFsas.delete(2);
      utility.removeFsa(1);
      const second = addControl(subject, two, limit(400), { seconds: 120 });
      await subject.pass(4 * onePoll);
      assertAnswers(subject, second, [1, 2, 3]);
      assert.ok(!utility.answersTo(first).includes(3), 'the program that it left was completed');
    }),
  ),
  sunSpecTest('MAINT-004', 'controls that change', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      const program = utility.addProgram({ primacy: 1 });
      const [cancelled, replaced, kept] = [900, 1200, 1500].map((from) =>
        addControl(subject, program, limit(from), { from, seconds: 120, tag: String(from) }),
      );
      assert.ok(cancelled !== undefined && replaced !== undefined && kept !== undefined);
      await subject.pass(onePoll);
      utility.cancelControls(({ tag }) => tag === '900');
      const instead = addControl(subject, program, limit(800), {
        from: 1200 - onePoll,
        seconds: 120,
        tag: 'instead',
      });
      await subject.pass(1700);
      assertAnswers(subject, cancelled, [1, 6]);
      assertAnswers(subject, replaced, [1, 7]);
      assertAnswers(subject, instead, [1, 2, 3]);
      assertAnswers(subject, kept, [1, 2, 3]);
    }),
  ),
  sunSpecTest('MAINT-005', 'two programs swap their primacy', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      const [first, second] = [utility.addProgram({ primacy: 1 }), utility.addProgram({ primacy: 2 })];
      await subject.pass(onePoll);
      [first.primacy, second.primacy] = [2, 1];
      await subject.pass(onePoll);
      const low = addControl(subject, first, limit(500), { from: 120, seconds: 120 });
      const high = addControl(subject, second, limit(400), { from: 120, seconds: 120 });
      await subject.pass(400);
      assertAnswers(subject, high, [1, 2, 3]);
      assertAnswers(subject, low, [1, 7]);
    }),
  ),
  sunSpecTest('MAINT-006', 'termination of a subscription', (stand) =>
    withClient(
      { stand, subscribes: true },
      ({ server: { utility } }) => {
        utility.isSubscribable = true;
        utility.addProgram({ primacy: 1 });
      },
      async (subject) => {
        const { utility, notifier } = { utility: subject.server.utility, notifier: subject.server.notifier };
        await subject.pass(onePoll);
        utility.isSubscribable = false;
        // Notification.status 4: the resource's subscriptions are no more.
        for (const subscription of utility.subscriptions.splice(0)) await notifier.notify(subscription, 4);
        assert.ok(notifier.sent.every(({ status }) => status >= 200 && status < 300));
        const [program] = utility.programs;
        assert.ok(program !== undefined);
        const begun = subject.now;
        const control = addControl(subject, program, limit(500), { seconds: 300 });
        await subject.pass(2 * onePoll);
        assertAnswers(subject, control, [1, 2]);
        assert.ok(
          timesOf(subject, 'GET', '/edev/1/derp/1/derc').filter((at) => at > begun).length >= 2,
          'it does not poll',
        );
      },
    ),
  ),
];
