import assert from 'node:assert/strict';
import { ratedPvW } from '../site-under-test.ts';
import {
  addControl,
  addProgram,
  askedPaths,
  assertAnswers,
  exportLimit,
  nothing,
  onePoll,
  type SunSpecTest,
  sunSpecTest,
  withClient,
  withSite,
} from './scene.ts';

/** The programs of so many FunctionSetAssignments: at each level a control that goes before all levels above it. */
const fsaLevels = (levels: number) =>
  sunSpecTest(levels === 7 ? 'CORE-010' : 'CORE-011', `FunctionSetAssignments, ${levels} levels`, (stand) =>
    withClient(
      { stand },
      (subject) => {
        for (let level = 1; level <= levels; level++) addProgram(subject, level, level);
      },
      async (subject) => {
        const { programs } = subject.server.utility;
        await subject.pass(onePoll);
        const asked = askedPaths(subject);
        for (const { id, fsaId } of programs) {
          assert.ok(asked.has(`/edev/1/fsa/${fsaId}/derp`), `programs of level ${fsaId}`);
          assert.ok(asked.has(`/edev/1/derp/${id}/dderc`) && asked.has(`/edev/1/derp/${id}/derc`), `program ${id}`);
        }
        // From the least to the first: each supersedes the one before.
        const controls = [];
        for (const program of programs.toReversed()) {
          controls.push(addControl(subject, program, exportLimit(500), { seconds: 7200 }));
          await subject.pass(onePoll);
        }
        const last = controls.pop();
        for (const control of controls) assertAnswers(subject, control, [1, 2, 7]);
        assert.ok(last !== undefined);
        assertAnswers(subject, last, [1, 2]);
      },
    ),
  );

/** EndDevices, FunctionSetAssignments, DERPrograms and DERSettings. */
export const coreProgramTests: readonly SunSpecTest[] = [
  sunSpecTest('CORE-009', 'EndDevice advanced: its own among many, on a late page', (stand) =>
    withClient(
      { stand, devices: undefined },
      ({ server: { utility } }) => {
        utility.showsAllDevices = true;
        for (let i = 0; i < 40; i++)
          utility.register((i * 6 + 1).toString(16).padStart(2, '0').repeat(20).toUpperCase(), undefined);
      },
      async (subject) => {
        const control = addControl(subject, addProgram(subject), exportLimit(500), { seconds: 60 });
        await subject.pass(2 * onePoll);
        assertAnswers(subject, control, [1, 2, 3]);
        const others = [...askedPaths(subject)].filter((path) => /^\/edev\/(?!1\/|1$)\d/.test(path));
        assert.deepEqual(others, [], 'resources of other devices were asked for');
      },
    ),
  ),
  fsaLevels(7),
  fsaLevels(15),
  sunSpecTest('CORE-012', 'DERProgram basic', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const control = addControl(subject, addProgram(subject), exportLimit(500), { from: 120, seconds: 120 });
      await subject.pass(onePoll);
      for (const path of ['/edev/1/fsa/1/derp', '/edev/1/derp/1/dderc', '/edev/1/derp/1/derc']) {
        assert.ok(askedPaths(subject).has(path), path);
      }
      assertAnswers(subject, control, [1]);
      await subject.pass(200);
      assertAnswers(subject, control, [1, 2, 3]);
    }),
  ),
  sunSpecTest('CORE-013', 'DERProgram advanced: 7 programs', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const programs = Array.from({ length: 7 }, (_, i) => addProgram(subject, i + 1));
      // All at once: the lowest primacy is followed, and the others never begin.
      const controls = programs.map((program) =>
        addControl(subject, program, exportLimit(500), { from: 120, seconds: 120 }),
      );
      await subject.pass(300);
      const [first, ...others] = controls;
      assert.ok(first !== undefined);
      assertAnswers(subject, first, [1, 2, 3]);
      for (const control of others) assertAnswers(subject, control, [1, 7]);
    }),
  ),
  sunSpecTest('CORE-014', 'DERCapability and DERSettings', (stand) =>
    withSite(
      { stand },
      ({ server: { utility } }) => {
        utility.setDefault(utility.addProgram({ primacy: 1 }), { modes: { opModMaxLimW: 80 }, setGradW: 100 });
      },
      async (site) => {
        const { utility } = site.server;
        await site.pass(2 * onePoll);
        const told = (path: string) => utility.active?.put.get(path)?.node;
        const [capability, settings] = [told('der/1/dercap'), told('der/1/derg')];
        assert.ok(capability !== undefined && settings !== undefined, 'DERCapability and DERSettings were not PUT');
        assert.equal(capability.scaled('rtgMaxW'), ratedPvW);
        assert.equal(capability.number('type'), 4);
        assert.ok((settings.scaled('setMaxW') ?? 0) <= ratedPvW);
        assert.equal(settings.number('setGradW'), 100);
        // What changes is told without being asked.
        const [program] = utility.programs;
        assert.ok(program !== undefined);
        utility.setDefault(program, { setGradW: 250 });
        await site.pass(2 * onePoll);
        assert.equal(told('der/1/derg')?.number('setGradW'), 250);
      },
    ),
  ),
];
