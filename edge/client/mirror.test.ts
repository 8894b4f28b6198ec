import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { type ChannelValues, channelMrid, channelNames, channelTypes } from '#ieee2030_5/ext/channels.ts';
import { lfdiBytes, mridOf, parseLfdi } from '#ieee2030_5/identity.ts';
import type { MirrorMeterReadingList, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { Posting } from '../posting.ts';
import { type Connection, type PostResult, RefusedError } from './connection.ts';
import { Mirror } from './mirror.ts';

const meterId = 'AMI_METER_STANFORD_ENG_001_WITH_A_LONG_NAME';
const lfdi = parseLfdi('AB'.repeat(20));
const values = Object.fromEntries(channelNames.map((name, i) => [name, i])) as unknown as ChannelValues;
const posting: Posting = { start: UnixSeconds(900), duration: 15, values };

interface Posted {
  readonly href: string;
  readonly name: string;
  readonly document: MirrorUsagePoint & MirrorMeterReadingList;
}

/** A server that answers each post in turn: a place, nothing, or a refusal by its status. */
function mirrorAt(...answers: readonly (string | undefined | number)[]): { mirror: Mirror; posts: Posted[] } {
  const posts: Posted[] = [];
  const post = async (href: string, name: string, document: Posted['document']): Promise<PostResult> => {
    const answer = answers[posts.length];
    posts.push({ href, name, document });
    if (typeof answer === 'number') throw new RefusedError('POST', href, answer, '');
    return { status: 201, location: answer, elapsedMs: 1 };
  };
  return { mirror: new Mirror({ post } as unknown as Connection, meterId, () => lfdi), posts };
}

test('the MirrorUsagePoint is made once, with the type of every channel, and then posted to', async () => {
  const { mirror, posts } = mirrorAt('/mup/7', '/mup/7/mr', '/mup/7/mr');
  await mirror.post('/mup', posting);
  await mirror.post('/mup', posting);
  assert.deepEqual(
    posts.map(({ href, name }) => [href, name]),
    [
      ['/mup', 'MirrorUsagePoint'],
      ['/mup/7', 'MirrorMeterReadingList'],
      ['/mup/7', 'MirrorMeterReadingList'],
    ],
  );
  const point = posts[0]?.document;
  assert.deepEqual([point?.mRID, point?.deviceLFDI], [mridOf(meterId), lfdiBytes(lfdi)]);
  assert.equal(point?.description, meterId.slice(0, 32));
  assert.deepEqual(
    point?.MirrorMeterReading?.map(({ mRID, ReadingType }) => [mRID, ReadingType?.uom, ReadingType?.flowDirection]),
    channelNames.map((name) => [channelMrid(meterId, name), channelTypes[name].uom, channelTypes[name].flowDirection]),
  );
});

test('a posting has one Reading a channel for its time period, and none where a device did not answer', async () => {
  const { mirror, posts } = mirrorAt('/mup/7', undefined);
  await mirror.post('/mup', { ...posting, values: { ...values, generation: undefined, gridImport: 0 } });
  const { all, results, MirrorMeterReading = [] } = posts[1]?.document ?? { all: 0, results: 0 };
  assert.deepEqual([all, results, MirrorMeterReading.length], [8, 8, 8]);
  const timePeriod = { start: 900n, duration: 15 };
  assert.deepEqual(
    MirrorMeterReading.map(({ mRID, Reading }) => [mRID, Reading]),
    channelNames
      .filter((name) => name !== 'generation')
      .map((name) => [channelMrid(meterId, name), { timePeriod, value: values[name] }]),
  );
});

test('a MirrorUsagePoint that the server forgot is made anew by the next posting', async () => {
  const { mirror, posts } = mirrorAt('/mup/7', 404, '/mup/8', undefined);
  await assert.rejects(mirror.post('/mup', posting), { code: 'GTX-SEP-002', status: 404 });
  await mirror.post('/mup', posting);
  assert.deepEqual(
    posts.map(({ href }) => href),
    ['/mup', '/mup/7', '/mup', '/mup/8'],
  );
});

test('any other refusal leaves it as it is', async () => {
  const { mirror, posts } = mirrorAt('/mup/7', 503, undefined);
  await assert.rejects(mirror.post('/mup', posting), { status: 503 });
  await mirror.post('/mup', posting);
  assert.deepEqual(
    posts.map(({ href }) => href),
    ['/mup', '/mup/7', '/mup/7'],
  );
});

test('a creation that failed, or says no place, is tried again', async () => {
  const { mirror, posts } = mirrorAt(503, undefined, '/mup/7', undefined);
  await assert.rejects(mirror.post('/mup', posting), { status: 503 });
  await assert.rejects(mirror.post('/mup', posting), { code: 'GTX-SEP-002', message: /without a Location/ });
  await mirror.post('/mup', posting);
  assert.deepEqual(
    posts.map(({ href }) => href),
    ['/mup', '/mup', '/mup', '/mup/7'],
  );
});
