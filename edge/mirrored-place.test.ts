import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createLog } from '#hal/log.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import { FlowDirectionType, UomType } from '#ieee2030_5/enumerations.ts';
import { type PostResult, RefusedError } from './client/connection.ts';
import type { UtilityMirror } from './client/utility-mirror.ts';
import { MirroredPlace } from './mirrored-place.ts';
import { Outbox } from './outbox.ts';
import type { Posting } from './posting.ts';
import { OutboxFile } from './outbox-file.ts';
import type { Measured, MeasuredPlace } from './utility-places.ts';

const place: MeasuredPlace = {
  name: 'site',
  description: 'Site',
  roles: ['isMirror'],
  flowDirection: FlowDirectionType.forward,
  channels: new Map([
    [
      'W',
      {
        description: 'Power',
        meaning: 'mean',
        uom: UomType.watts,
        powerOfTenMultiplier: 0,
        valueOf: ({ sample }) => sample.gridW,
      },
    ],
  ]),
};

const startAt = 600_000;
/** Power that tells its time: its average shows which seconds it is of. */
const powerAt = (at: number): number => at - startAt;

/** A server that keeps what it is posted; a refusal or a silence can be set. */
class Server {
  rate = 60;
  refusal: RefusedError | undefined;
  isMade = false;
  made = 0;
  asked = 0;
  readonly taken: Posting<string>[] = [];

  mirror(): UtilityMirror {
    this.isMade = false;
    return new ServerMirror(this) as unknown as UtilityMirror;
  }

  /** Start and duration of what was taken, since the start of the test. */
  get periods(): number[][] {
    return this.taken.map(({ start, duration }) => [start - startAt, duration]);
  }
}

/** The board's end of it. */
class ServerMirror {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  get isMade(): boolean {
    return this.#server.isMade;
  }

  get postRate(): number {
    return this.#server.rate;
  }

  async make(): Promise<void> {
    const server = this.#server;
    if (server.isMade) return;
    server.asked++;
    if (server.refusal !== undefined) throw server.refusal;
    server.isMade = true;
    server.made++;
  }

  async post(posting: Posting<string>): Promise<PostResult> {
    const server = this.#server;
    server.asked++;
    if (server.refusal?.status === 404) server.isMade = false;
    if (server.refusal !== undefined) throw server.refusal;
    server.taken.push(posting);
    return { status: 201, location: undefined, elapsedMs: 1 };
  }
}

/** A board's place whose program can be killed, and one second after the other. */
class Bench {
  readonly server = new Server();
  readonly #path: string;
  readonly #stack = new DisposableStack();
  #place: MirroredPlace;
  #now = startAt;

  constructor(t: TestContext | undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'gtx-place-'));
    this.#stack.defer(() => rmSync(folder, { recursive: true }));
    t?.after(() => this.#stack.dispose());
    this.#path = join(folder, 'outbox.db');
    this.#place = this.#boot();
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  /** The program starts anew from the file, without having closed anything. */
  kill(): void {
    this.#place = this.#boot();
  }

  #boot(): MirroredPlace {
    const file = this.#stack.use(new OutboxFile(this.#path));
    return new MirroredPlace({
      place,
      outbox: new Outbox(file, 'M/site', ['W']),
      mirror: this.server.mirror(),
      sampleSeconds: 1,
      seed: 1,
      log: createLog('test', 'silent'),
      onPosted: () => undefined,
    });
  }

  async run(seconds: number): Promise<void> {
    for (const until = this.#now + seconds; this.#now < until; ) {
      const now = UnixSeconds(++this.#now);
      const measured = { sample: { gridW: W(powerAt(now)) } } as unknown as Measured;
      await this.#place.add(now, measured);
      if (now % 15 !== 0 || !this.#place.isDue(now, now)) continue;
      await this.#place.post('/mup', now, now).catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
      });
    }
  }
}

const refusal = (status: number, retryAfter?: number): RefusedError =>
  new RefusedError('POST', '/mup/1', status, '', retryAfter);

test('averages are posted at the rate that the server gives and changes', async (t) => {
  const bench = new Bench(t);
  const { server } = bench;
  // The first sample only shows where the first whole minute begins.
  await bench.run(240);
  server.rate = 300;
  await bench.run(660);
  server.rate = 60;
  await bench.run(120);
  assert.deepEqual(server.periods, [
    [60, 60],
    [120, 60],
    [180, 60],
    [240, 60],
    [300, 300],
    [600, 300],
    [900, 60],
    [960, 60],
  ]);
  for (const { start, duration, values } of server.taken) {
    assert.equal(values['W'], powerAt(start) + (duration + 1) / 2);
  }
});

test('what cannot be posted waits, and comes in order and once when the server is back', async (t) => {
  const bench = new Bench(t);
  const { server } = bench;
  await bench.run(120);
  server.refusal = refusal(503);
  const before = server.asked;
  await bench.run(600);
  // 5 s, then twice as long each time up to the postRate, and that by a clock of 15 s.
  assert.ok(server.asked - before >= 8 && server.asked - before <= 20, `asked ${server.asked - before} times`);
  server.refusal = undefined;
  await bench.run(120);
  assert.deepEqual(
    server.periods,
    Array.from({ length: 13 }, (_, i) => [60 + 60 * i, 60]),
  );
});

test('a server that says when it wants to be asked again is not asked before', async (t) => {
  const bench = new Bench(t);
  const { server } = bench;
  await bench.run(60);
  server.refusal = refusal(503, 300);
  const before = server.asked;
  await bench.run(300);
  assert.equal(server.asked, before + 1);
});

test('a server that forgot the MirrorUsagePoint gets it anew, and every reading', async (t) => {
  const bench = new Bench(t);
  const { server } = bench;
  await bench.run(120);
  server.refusal = refusal(404);
  await bench.run(60);
  server.refusal = undefined;
  await bench.run(60);
  assert.deepEqual([server.made, server.isMade], [2, true]);
  assert.deepEqual(server.periods, [
    [60, 60],
    [120, 60],
    [180, 60],
  ]);
});

test('readings that the server will never take do not keep the others waiting', async (t) => {
  const bench = new Bench(t);
  const { server } = bench;
  await bench.run(120);
  server.refusal = refusal(400);
  await bench.run(60);
  server.refusal = undefined;
  await bench.run(60);
  assert.deepEqual(server.periods, [
    [60, 60],
    [180, 60],
  ]);
});

test('whenever the program is killed or the server is away, each minute that was whole is told once and in order', async () => {
  const moves = fc.array(
    fc.oneof(
      fc.record({ what: fc.constant('run' as const), seconds: fc.integer({ min: 1, max: 200 }) }),
      fc.record({ what: fc.constantFrom('kill' as const, 'away' as const, 'back' as const), seconds: fc.constant(0) }),
      fc.record({ what: fc.constant('rate' as const), seconds: fc.constantFrom(60, 300) }),
    ),
    { maxLength: 15 },
  );
  await fc.assert(
    fc.asyncProperty(moves, async (made) => {
      using bench = new Bench(undefined);
      const { server } = bench;
      /** Seconds since the start at which minutes began that were measured whole. */
      const whole: number[] = [];
      let [now, from] = [0, 1];
      for (const { what, seconds } of made) {
        if (what === 'kill') {
          bench.kill();
          from = now + 1;
        } else if (what === 'rate') server.rate = seconds;
        else if (what === 'run') {
          await bench.run(seconds);
          now += seconds;
          for (let at = Math.ceil(from / 60) * 60; at + 60 <= now; at += 60) if (!whole.includes(at)) whole.push(at);
        } else server.refusal = what === 'away' ? refusal(503) : undefined;
      }
      server.refusal = undefined;
      server.rate = 60;
      // A failure is forgotten after the longest of the rates.
      await bench.run(420);
      now += 420;
      for (let at = Math.ceil(from / 60) * 60; at + 60 <= now; at += 60) if (!whole.includes(at)) whole.push(at);
      const told = server.periods.flatMap(([start = 0, duration = 0]) =>
        Array.from({ length: duration / 60 }, (_, i) => start + 60 * i),
      );
      const last = told.at(-1) ?? 0;
      assert.deepEqual(
        told,
        whole.filter((at) => at <= last),
      );
      assert.ok(whole.filter((at) => at > last).length <= 1, 'only the newest minute may still be on its way');
    }),
    { numRuns: 40 },
  );
});
