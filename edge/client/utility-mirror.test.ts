import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { bitmap } from '#ieee2030_5/bitmap.ts';
import { FlowDirectionType, UomType } from '#ieee2030_5/enumerations.ts';
import { formatMrid, lfdiBytes, parseLfdi } from '#ieee2030_5/identity.ts';
import type { MirrorMeterReadingList, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { Posting } from '../posting.ts';
import { type PostResult, RefusedError } from './connection.ts';
import { type MirroredPlace, UtilityMirror } from './utility-mirror.ts';

const lfdi = parseLfdi('AB'.repeat(20));
const place: MirroredPlace = {
  name: 'der',
  description: 'DER',
  roles: ['isMirror', 'isDER', 'isSubmeter'],
  flowDirection: FlowDirectionType.reverse,
  channels: new Map([
    ['W', { description: 'Power', meaning: 'mean', uom: UomType.watts, powerOfTenMultiplier: 0 }],
    ['V', { description: 'Voltage', meaning: 'mean', uom: UomType.volts, powerOfTenMultiplier: -1 }],
    ['Wh', { description: 'Stored', meaning: 'last', uom: UomType.wattHours, powerOfTenMultiplier: 0 }],
    [
      'var',
      {
        description: 'Reactive',
        meaning: 'mean',
        uom: UomType.vars,
        powerOfTenMultiplier: 0,
        qualityFlags: bitmap(2, [5]),
      },
    ],
  ]),
};
const posting = (values: Posting<string>['values']): Posting<string> => ({
  start: UnixSeconds(600),
  duration: 300,
  values,
});

interface Posted {
  readonly href: string;
  readonly document: MirrorUsagePoint & MirrorMeterReadingList;
}

/** A server that answers each post in turn: a place, nothing, or a refusal by its status. */
function mirrorAt(...answers: readonly (string | undefined | number)[]) {
  const server = {
    posts: [] as Posted[],
    listed: [] as MirrorUsagePoint[],
    /** What a GET of the MirrorUsagePoint answers. */
    postRate: 60 as number | undefined,
    refusesGet: false,
  };
  const connection = {
    origin: 'https://utility:1',
    post: async (href: string, _name: string, document: Posted['document']): Promise<PostResult> => {
      const answer = answers[server.posts.length];
      server.posts.push({ href, document });
      if (typeof answer === 'number') throw new RefusedError('POST', href, answer, '');
      return { status: 201, location: answer, elapsedMs: 1 };
    },
    get: async (href: string): Promise<unknown> => {
      if (server.refusesGet) throw new RefusedError('GET', href, 405, '');
      return { postRate: server.postRate };
    },
  };
  type Options = ConstructorParameters<typeof UtilityMirror>[0];
  const options = { connection, meterId: 'M', lfdi, place, listed: () => server.listed } as unknown as Options;
  return { mirror: new UtilityMirror(options), server };
}

test('a MirrorUsagePoint has its roles, and an average of each power and what storage holds (TS 5573 §4.2)', async () => {
  const { mirror, server } = mirrorAt('/mup/1');
  await mirror.make('/mup');
  await mirror.make('/mup');
  assert.equal(server.posts.length, 1);
  const document = server.posts[0]?.document;
  assert.deepEqual(document?.roleFlags, Uint8Array.of(0x00, 0x49));
  assert.deepEqual(document?.deviceLFDI, lfdiBytes(lfdi));
  const types = document?.MirrorMeterReading?.map(({ ReadingType: type }) => [
    type?.uom,
    type?.kind,
    type?.dataQualifier,
    type?.powerOfTenMultiplier,
    type?.flowDirection,
  ]);
  assert.deepEqual(types, [
    [38, 37, 2, 0, 19],
    [29, 37, 2, -1, 19],
    [72, 12, 0, 0, 19],
    [63, 37, 2, 0, 19],
  ]);
  const mrids = [document, ...(document?.MirrorMeterReading ?? [])].map((each) =>
    formatMrid(each?.mRID ?? lfdiBytes(lfdi)),
  );
  assert.equal(new Set(mrids).size, 5);
  for (const mrid of mrids) assert.match(mrid, /^[0-9a-f]{24}\d{8}$/, 'ends in an enterprise number in decimal');
});

test('the rate is what the server gave the MirrorUsagePoint, then what its list says, in whole minutes', async () => {
  const { mirror, server } = mirrorAt('/mup/1');
  assert.equal(mirror.postRate, 300);
  server.postRate = 900;
  await mirror.make('/mup');
  assert.equal(mirror.postRate, 900);
  const listed = server.posts[0]?.document;
  assert.ok(listed !== undefined);
  for (const [postRate, rate] of [
    [60, 60],
    [300, 300],
    [90, 120],
    [0, 60],
    [undefined, 900],
  ]) {
    server.listed = [
      { ...listed, mRID: new Uint8Array(16), postRate: 7 },
      { ...listed, postRate },
    ];
    assert.equal(mirror.postRate, rate);
  }
});

test('a server that does not let the MirrorUsagePoint be read tells its rate in the list', async () => {
  const { mirror, server } = mirrorAt('/mup/1');
  server.refusesGet = true;
  await mirror.make('/mup');
  assert.deepEqual([mirror.isMade, mirror.postRate], [true, 300]);
});

test('a posting has one Reading a channel, scaled, with the length of its interval; none that was not measured', async () => {
  const { mirror, server } = mirrorAt('/mup/1', undefined);
  await mirror.make('/mup');
  await mirror.post(posting({ W: 1_234.4, V: 229.96, Wh: undefined, var: -0.4 }));
  const { href, document } = server.posts[1] ?? assert.fail('nothing was posted');
  assert.equal(href, 'https://utility:1/mup/1');
  const timePeriod = { start: 600n, duration: 300 };
  assert.deepEqual(
    document.MirrorMeterReading?.map(({ Reading, ReadingType }) => [
      Reading,
      ReadingType?.uom,
      ReadingType?.intervalLength,
    ]),
    [
      [{ timePeriod, value: 1_234 }, 38, 300],
      [{ timePeriod, value: 2_300 }, 29, 300],
      [{ qualityFlags: Uint8Array.of(0, 0x20), timePeriod, value: 0 }, 63, 300],
    ],
  );
});

test('a MirrorUsagePoint that the server forgot is to be made anew, and after another refusal it stays', async () => {
  const { mirror, server } = mirrorAt('/mup/1', 503, 404, '/mup/2', undefined);
  const values = posting({ W: 1 });
  await mirror.make('/mup');
  await assert.rejects(mirror.post(values), { status: 503 });
  assert.equal(mirror.isMade, true);
  await assert.rejects(mirror.post(values), { status: 404 });
  assert.equal(mirror.isMade, false);
  await mirror.make('/mup');
  await mirror.post(values);
  assert.deepEqual(
    server.posts.map(({ href }) => new URL(href, 'https://utility:1').pathname),
    ['/mup', '/mup/1', '/mup/1', '/mup', '/mup/2'],
  );
});
