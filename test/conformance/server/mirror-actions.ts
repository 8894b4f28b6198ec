import assert from 'node:assert/strict';
import type { Parameters } from '../procedure.ts';
import { textOf } from './parameters.ts';
import { expectRefusal, expectStatus, locationOf } from './raw-client.ts';
import { isReadingType, readingType, type ReadingTypeName, roleFlags, usualMultiplier } from './reading-types.ts';
import { newMrid, type PostedMirror, type VirtualClient } from './virtual-client.ts';
import { documentText } from './xml.ts';

/** What a client takes where the server does not ask for a rate, seconds. */
const usualPostRate = 300;

const namesOf = (parameter: unknown): ReadingTypeName[] =>
  (parameter as readonly string[]).map((name) => {
    assert.ok(isReadingType(name), `unknown reading type ${name}`);
    return name;
  });

/**
 * Posts a MirrorUsagePoint: 201 for a new mRID, 204 for one that the server has (§10.11.3), both with Location. What
 * is there afterwards is what was posted.
 */
export async function upsertMirror(client: VirtualClient, parameters: Parameters): Promise<void> {
  const id = textOf(parameters, 'mup_id');
  const names = namesOf(parameters['reading_types']);
  const fixed = parameters['mmr_mrids'] as readonly string[] | undefined;
  const before = client.mirrors.get(id);
  const readings: PostedMirror['readings'] = new Map(
    names.map((name, at) => {
      const mRID = fixed?.[at] ?? before?.readings.get(name)?.mRID ?? newMrid();
      const multiplier = Number(parameters['pow10_multiplier'] ?? usualMultiplier(name));
      return [name, { mRID, multiplier }];
    }),
  );
  const mRID = 'set_mup_mrid' in parameters ? textOf(parameters, 'set_mup_mrid') : (before?.mRID ?? newMrid());
  const list = client.context.one('MirrorUsagePointList');
  const body = documentText('MirrorUsagePoint', {
    mRID,
    description: id,
    roleFlags: roleFlags[textOf(parameters, 'location')],
    serviceCategoryKind: 0,
    status: 1,
    deviceLFDI: client.lfdi,
    MirrorMeterReading: [...readings].map(([name, reading]) => ({
      mRID: reading.mRID,
      description: name,
      ReadingType: readingType(name as ReadingTypeName, reading.multiplier),
    })),
  });
  const answer = await client.raw.ask('POST', list.href, { body });
  if (parameters['expect_rejection'] === true) {
    expectRefusal(answer);
    return;
  }
  expectStatus(answer, before === undefined ? 201 : 204);
  const href = locationOf(answer);
  if (before !== undefined) assert.equal(href, before.href, 'the same mRID is the same MirrorUsagePoint');
  const element = await client.raw.get(href);
  assert.equal(element.value('mRID')?.toUpperCase(), mRID);
  assert.equal(element.value('deviceLFDI')?.toUpperCase(), client.lfdi);
  client.mirrors.set(id, { href, mRID, readings });
  client.context.upsert({ name: 'MirrorUsagePoint', href, element, parent: list });
}

/** Posts readings, one of each type a post, at the rate that the server asks for. */
export async function insertReadings(client: VirtualClient, parameters: Parameters): Promise<void> {
  const mirror = client.mirrors.get(textOf(parameters, 'mup_id'));
  assert.ok(mirror !== undefined, `no MirrorUsagePoint ${textOf(parameters, 'mup_id')}`);
  const values = parameters['values'] as Readonly<Record<string, readonly number[]>>;
  const posts = Math.max(...Object.values(values).map((list) => list.length));
  for (let post = 0; post < posts; post++) {
    if (post > 0) await client.stand.advance((await client.raw.get(mirror.href)).number('postRate') ?? usualPostRate);
    const now = client.stand.now();
    const timePeriod = { duration: 300, start: now - 300 };
    const body = documentText('MirrorMeterReadingList', {
      '@all': Object.keys(values).length,
      '@results': Object.keys(values).length,
      MirrorMeterReading: Object.entries(values).flatMap(([name, list]) => {
        const reading = mirror.readings.get(name);
        const value = list[post];
        if (reading === undefined || value === undefined) return [];
        const scaledValue = Math.round(value / 10 ** reading.multiplier);
        const set = { mRID: newMrid(), timePeriod, Reading: { timePeriod, value: scaledValue } };
        return [{ mRID: reading.mRID, lastUpdateTime: now, MirrorReadingSet: set }];
      }),
    });
    const answer = await client.raw.ask('POST', mirror.href, { body });
    if (parameters['expect_rejection'] === true) expectRefusal(answer);
    else expectStatus(answer, 200, 201, 204);
  }
}
