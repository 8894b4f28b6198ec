import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { derProgram } from '#ieee2030_5/events/modes.ts';
import { formatMrid, mridOf, parseLfdi } from '#ieee2030_5/identity.ts';
import type { DERControl } from '#ieee2030_5/types.generated.ts';
import { EventLife, type FamiliesSeen, fullParticipation } from './event-life.ts';
import type { ResponseOrder } from './response-queue.ts';
import type { EventFamily } from './utility-view.ts';

const device = parseLfdi('AB'.repeat(20));
const at = (seconds: number): UnixSeconds => UnixSeconds(1_800_000_000 + seconds);
const event = (name: string): DERControl => ({
  mRID: mridOf(name),
  replyTo: 'https://u/rsp',
  responseRequired: Uint8Array.of(3),
  creationTime: BigInt(at(0)),
  EventStatus: { currentStatus: 0, dateTime: BigInt(at(0)), potentiallySuperseded: false },
  interval: { start: BigInt(at(10)), duration: 20 },
  DERControlBase: { opModEnergize: true },
});
const family = (key: EventFamily['key'], ...events: readonly DERControl[]): EventFamily => ({
  key,
  response: 'DERControlResponse',
  programs: [derProgram({ mRID: mridOf('program'), primacy: 1 }, events)],
});

const seen = (...families: readonly EventFamily[]): FamiliesSeen => ({ families, unread: new Set() });

/** A queue that keeps what it is given, and fails when it is told to. */
class Kept {
  readonly memory = new Map<string, string>();
  readonly responses: string[] = [];
  isFull = false;

  async enqueue(memory: ReadonlyMap<string, string | undefined>, orders: readonly ResponseOrder[]): Promise<void> {
    if (this.isFull) throw new Error('disk full');
    for (const [name, value] of memory) {
      if (value === undefined) this.memory.delete(name);
      else this.memory.set(name, value);
    }
    for (const { due } of orders) this.responses.push(...due.map(({ response }) => response));
  }
}

test('what could not be kept is not taken for done: the next step raises the same responses', async () => {
  const kept = new Kept();
  const life = new EventLife(device, 'https://u', kept, new Map());
  kept.isFull = true;
  await assert.rejects(life.step(seen(family('der', event('a'))), fullParticipation, at(0)), /disk full/);
  kept.isFull = false;
  assert.deepEqual(await life.step(seen(family('der', event('a'))), fullParticipation, at(0)), {
    next: at(10),
    isMoved: true,
  });
  assert.deepEqual(kept.responses, ['received']);
});

test('a step that changes nothing writes nothing', async () => {
  const kept = new Kept();
  const life = new EventLife(device, 'https://u', kept, new Map());
  await life.step(seen(family('der', event('a'))), fullParticipation, at(0));
  kept.isFull = true;
  assert.equal((await life.step(seen(family('der', event('a'))), fullParticipation, at(5))).isMoved, false);
});

test('a life goes on from what was kept, families that are gone included, and forgets those a day after their end', async () => {
  const kept = new Kept();
  const first = new EventLife(device, 'https://u', kept, new Map());
  await first.step(seen(family('der'), family('price/1', event('a'))), fullParticipation, at(12));
  const second = new EventLife(device, 'https://u', kept, kept.memory);
  await second.step(seen(family('der')), fullParticipation, at(13));
  assert.deepEqual(kept.responses, ['received', 'started', 'abortedAlternateProgram']);
  const name = `events/${device}/price/1`;
  await second.step(seen(family('der')), fullParticipation, at(80_000));
  assert.ok(kept.memory.has(name));
  await second.step(seen(family('der')), fullParticipation, at(90_000));
  assert.equal(kept.memory.has(name), false);
  await second.step(seen(family('der')), fullParticipation, at(90_001));
  assert.equal(kept.responses.length, 3);
});

test('what a device opts out of, or cannot follow, is answered so', async () => {
  const kept = new Kept();
  const life = new EventLife(device, 'https://u', kept, new Map());
  const [a, b] = [event('a'), event('b')];
  const families = seen(family('der', a, { ...b, interval: { start: BigInt(at(100)), duration: 5 } }));
  const rejected = new Map([[formatMrid(b.mRID), 'rejectedNotApplicable' as const]]);
  await life.step(families, { optedOut: new Set([formatMrid(a.mRID)]), rejected }, at(0));
  assert.deepEqual(kept.responses.toSorted(), ['optOut', 'received', 'received', 'rejectedNotApplicable']);
});

test('an event that is not shown while a list of its kind could not be read has not vanished', async () => {
  const kept = new Kept();
  const life = new EventLife(device, 'https://u', kept, new Map());
  await life.step(seen(family('der', event('a')), family('price/1', event('b'))), fullParticipation, at(0));
  const empty: EventFamily = { key: 'der', response: 'DERControlResponse', programs: [] };
  await life.step({ families: [empty], unread: new Set(['der', 'price']) }, fullParticipation, at(5));
  assert.deepEqual(kept.responses, ['received', 'received']);
  await life.step(seen(empty), fullParticipation, at(6));
  assert.deepEqual(kept.responses.slice(2), ['abortedAlternateProgram', 'abortedAlternateProgram']);
});

test('times are drawn for the board, so that another certificate moves no event', async () => {
  const randomised = { ...event('one'), randomizeStart: 3600, randomizeDuration: -1800 };
  const periods = await Promise.all(
    ['AB', 'CD', 'EF'].map(async (digits) => {
      const life = new EventLife(parseLfdi(digits.repeat(20)), 'https://u', new Kept(), new Map(), 'board 1');
      await life.step(seen(family('der', randomised)), fullParticipation, at(0));
      const { from, until } = [...(life.schedule?.outcomes.values() ?? [])][0]!;
      return [from, until];
    }),
  );
  assert.deepEqual(periods, [periods[0], periods[0], periods[0]]);
  assert.notDeepEqual(periods[0], [at(10), at(30)]);
});
