import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import type { DERControl, DERControlBase, Response } from '#ieee2030_5/types.generated.ts';
import { explain, type SeenProgram } from './explain.ts';

const now = UnixSeconds(1_782_000_000);
const watts = (value: number) => ({ multiplier: 0, value });
const EventStatus = { currentStatus: 0, dateTime: 0n, potentiallySuperseded: false };

const control = (name: string, base: DERControlBase, others: Partial<DERControl> = {}): DERControl => ({
  mRID: mridOf(name),
  description: name,
  creationTime: BigInt(now - 5000),
  EventStatus,
  interval: { start: BigInt(now - 60), duration: 600 },
  DERControlBase: base,
  ...others,
});

const program = (
  id: string,
  primacy: number,
  controls: readonly DERControl[],
  fallback?: DERControlBase,
): SeenProgram => ({
  id,
  document: { mRID: mridOf(`program ${id}`), description: `Program ${id}`, primacy },
  controls,
  default: fallback && { mRID: mridOf(`default ${id}`), DERControlBase: fallback },
});

const told = (programs: readonly SeenProgram[], responses: readonly Response[] = [], category?: Uint8Array) =>
  explain({ now, programs, responses, category });

test('of two events the one with the lower primacy number is named, with its program and its time', () => {
  const strong = program('1', 5, [control('strong', { opModExpLimW: watts(1000) })]);
  const weak = program('2', 9, [control('weak', { opModExpLimW: watts(2000), opModImpLimW: watts(500) })]);
  const [exporting, importing] = told([weak, strong]);
  assert.deepEqual(exporting?.source.program, {
    id: '1',
    mRID: formatMrid(mridOf('program 1')).toUpperCase(),
    description: 'Program 1',
    primacy: 5,
  });
  assert.deepEqual([exporting.since, exporting.until], [now - 60, now + 540]);
  // The weaker event keeps the mode that nobody else wants.
  assert.deepEqual([importing?.mode, importing?.source.program.id], ['opModImpLimW', '2']);
});

test('between two events the default holds, since the one ended and until the next begins', () => {
  const at = (start: number) => ({ interval: { start: BigInt(start), duration: 100 } });
  const controls = [
    control('over', { opModGenLimW: watts(1) }, at(now - 200)),
    control('next', { opModGenLimW: watts(2) }, at(now + 300)),
  ];
  const [one] = told([program('1', 1, controls, { opModGenLimW: watts(4200) })]);
  assert.deepEqual([one?.source.kind, one?.since, one?.until], ['default', now - 100, now + 300]);
  assert.equal(
    one?.sentence,
    'Generation is limited to 4.2 kW by the default, as no event says otherwise, of “Program 1” (primacy 1) ' +
      'since 2026-06-20 23:58 UTC until 2026-06-21 00:05 UTC.',
  );
});

test('a randomised event says by how much the device may differ, its last response what it said', () => {
  const event = control('late', { opModConnect: false }, { randomizeStart: 30, randomizeDuration: -90 });
  const responses = [2, 1].map((status) => ({
    status,
    createdDateTime: BigInt(now - 60 + status),
    endDeviceLFDI: new Uint8Array(20),
    subject: event.mRID,
  }));
  const [one] = told([program('1', 1, [event])], responses);
  assert.equal(one?.source.randomizedBy, 90);
  assert.deepEqual(one.lastResponse, { status: 2, at: now - 58 });
  assert.match(one.sentence, /^The inverter must be disconnected by the event “late”.* up to 90 s apart.*: started\.$/);
});

test('an event for other kinds of device sets nothing', () => {
  const event = control('others', { opModConnect: false }, { deviceCategory: Uint8Array.of(2) });
  assert.deepEqual(told([program('1', 1, [event])], [], Uint8Array.of(1)), []);
  assert.equal(told([program('1', 1, [event])], [], Uint8Array.of(3)).length, 1);
});

test('what holds is explained mode by mode, once each, whatever the order of the programs', () => {
  const modes = ['opModExpLimW', 'opModImpLimW', 'opModGenLimW', 'opModLoadLimW'] as const;
  const base = fc
    .uniqueArray(fc.constantFrom(...modes))
    .map((names): DERControlBase => Object.fromEntries(names.map((name, i) => [name, watts(i * 1000)])));
  const programs = fc.array(
    fc.record({ primacy: fc.nat(9), base, fallback: base, delay: fc.integer({ min: -300, max: 300 }) }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(programs, (drawn) => {
      const all = drawn.map(({ primacy, base: own, fallback, delay }, i) => {
        const interval = { start: BigInt(now + delay), duration: 200 };
        return program(String(i), primacy, [control(`event ${i}`, own, { interval })], fallback);
      });
      const explained = told(all);
      assert.deepEqual(told(all.toReversed()), explained);
      assert.equal(new Set(explained.map(({ mode }) => mode)).size, explained.length);
      for (const { since, until, sentence } of explained) {
        assert.ok(since === undefined || since <= now);
        assert.ok(until === undefined || until > now);
        assert.match(sentence, /^[A-Z].*\.$/);
      }
    }),
  );
});
