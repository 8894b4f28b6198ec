import assert from 'node:assert/strict';
import { matches, pollFaults } from '../requests.ts';
import { readDocument } from '../../xml.ts';
import {
  addControl,
  addProgram,
  assertAnswers,
  exportLimit,
  nothing,
  onePoll,
  type SunSpecTest,
  sunSpecTest,
  timesOf,
  withClient,
} from './scene.ts';

/** Requests, polls, lists and time. */
export const coreTests: readonly SunSpecTest[] = [
  sunSpecTest('CORE-001', 'HTTP request', (stand) =>
    withClient({ stand, registration: 'in band', devices: undefined }, nothing, async (subject) => {
      const { server, identity } = subject;
      const program = addProgram(subject);
      addControl(subject, program, exportLimit(500));
      const requests: { method: string; headers: Readonly<Record<string, unknown>>; body: string }[] = [];
      server.observer = (request, isServed) => {
        if (!isServed) requests.push(request);
      };
      await subject.pass(onePoll);
      for (const { method, headers, body } of requests) {
        assert.equal(headers['host'], new URL(server.server.origin).host);
        if (method === 'GET') {
          assert.match(String(headers['accept']), /application\/sep\+xml|\*\/\*/);
          continue;
        }
        assert.equal(String(headers['content-type']).split(';')[0], 'application/sep+xml');
        assert.equal(Number(headers['content-length']), Buffer.byteLength(body));
        assert.ok(/^<(\?xml[^>]*>\s*<)?\w+[^>]* xmlns="urn:ieee:std:2030\.5:ns"/.test(body), body.slice(0, 120));
        assert.ok(readDocument(body).children.length > 0);
      }
      assert.ok(requests.some(({ method }) => method === 'POST') && identity.lfdi.length === 40);
    }),
  ),
  sunSpecTest('CORE-002', 'HTTP response: 501 and other refusals', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { server } = subject;
      const refused: Readonly<Record<string, number>> = {
        '/edev/1/di': 501,
        '/edev/1/cp': 405,
        '/edev/1/der': 501,
        '/edev/1/fsa/1': 406,
      };
      server.override = ({ path }) => (refused[path] === undefined ? undefined : { status: refused[path] });
      const control = addControl(subject, addProgram(subject), exportLimit(500), { seconds: 60 });
      await subject.pass(5 * onePoll);
      // What is not there takes nothing from what is, and is not asked for without end.
      assertAnswers(subject, control, [1, 2, 3]);
      for (const path of Object.keys(refused)) {
        const count = server.requests.all.filter((request) => request.path === path).length;
        assert.ok(count <= 14, `${path} was asked for ${count} times`);
      }
    }),
  ),
  sunSpecTest('CORE-003', 'polling', (stand) =>
    withClient(
      { stand },
      (subject) => {
        addProgram(subject);
        // The programs tell no rate: 900 s is the standard's.
        subject.server.utility.setRates({ dcap: 120, edev: 60, fsa: 300, der: 240, derp: 0 });
      },
      async (subject) => {
        const begun = subject.now;
        await subject.pass(3700);
        const rates = { '/dcap': 120, '/edev': 60, '/edev/1/fsa': 300, '/edev/1/der': 240, '/edev/1/fsa/1/derp': 900 };
        for (const [path, rate] of Object.entries(rates)) {
          const times = timesOf(subject, 'GET', path);
          assert.deepEqual(pollFaults(times, rate, begun), [], path);
          assert.ok(Math.abs(times.length - 3700 / rate) <= 2, `${path}: ${times.length} times in 3700 s at ${rate} s`);
        }
      },
    ),
  ),
  sunSpecTest('CORE-004', 'lists: every item of every page', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const program = addProgram(subject);
      const controls = Array.from({ length: 24 }, (_, i) =>
        addControl(subject, program, exportLimit(100 + i), { from: 200 + i * 60, seconds: 60 }),
      );
      const starts = new Set<number>();
      subject.server.observer = ({ path, query }, isServed) => {
        if (isServed && matches(path, '/edev/*/derp/*/derc')) starts.add(Number(query.get('s') ?? 0));
      };
      await subject.pass(150);
      for (const control of controls) assertAnswers(subject, control, [1]);
      // A page has five: the next one begins where it ended, or before.
      const sorted = [...starts].toSorted((a, b) => a - b);
      assert.ok(
        sorted.every((at, i) => at - (sorted[i - 1] ?? 0) <= 5) && (sorted.at(-1) ?? 0) >= 19,
        sorted.join(' '),
      );
      await subject.pass(24 * 60 + 120);
      for (const control of controls) assertAnswers(subject, control, [1, 2, 3]);
    }),
  ),
  sunSpecTest('CORE-005', 'time: events are reckoned in the time of the server', (stand) =>
    withClient(
      { stand },
      ({ server: { utility } }) => {
        utility.timeOffset = 1000;
      },
      async (subject) => {
        const { utility } = subject.server;
        const control = addControl(subject, addProgram(subject), exportLimit(500), { from: 1300, seconds: 60 });
        await subject.pass(298);
        assertAnswers(subject, control, [1]);
        await subject.pass(7);
        assertAnswers(subject, control, [1, 2]);
        await subject.pass(65);
        assertAnswers(subject, control, [1, 2, 3]);
        for (const { createdDateTime, at } of utility.responses) {
          assert.ok(Math.abs(createdDateTime - at - 1000) <= 2, `createdDateTime ${createdDateTime} at ${at + 1000}`);
        }
      },
    ),
  ),
  sunSpecTest('CORE-006', 'time: a server that sets its clock', (stand) =>
    withClient({ stand }, nothing, async (subject) => {
      const { utility } = subject.server;
      const control = addControl(subject, addProgram(subject), exportLimit(500), { from: 600, seconds: 300 });
      await subject.pass(onePoll);
      utility.timeOffset = 200;
      utility.timeQuality = 4;
      // 400 s are left of 600: it begins 200 s earlier than it would have.
      await subject.pass(390 - onePoll);
      assertAnswers(subject, control, [1]);
      await subject.pass(20);
      assertAnswers(subject, control, [1, 2]);
    }),
  ),
];
