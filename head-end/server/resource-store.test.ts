import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { mridOf } from '#ieee2030_5/identity.ts';
import { derProgramOrder } from '#ieee2030_5/orderings.ts';
import type { DERProgram } from '#ieee2030_5/types.generated.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { Registry } from '../registry/devices.ts';
import { type ResourceChange, ResourceStore } from './resource-store.ts';
import { sampleOf } from './sample-documents.ts';

suite('the resource store', { concurrency: false }, () => {
  let database: Database;
  let store: ResourceStore;
  const opened = async (): Promise<ResourceStore> => {
    const other = new ResourceStore({ pool: database.pool, now: () => UnixSeconds(7) });
    await other.start();
    return other;
  };
  const program = (name: string, primacy: number): DERProgram => ({ mRID: mridOf(name), primacy });

  before(async () => {
    database = await startTestDatabase();
    store = await opened();
  });
  after(() => database[Symbol.asyncDispose]());

  test('items stand in the standard’s order, whatever the order in which they come, and after a restart too', async () => {
    const some = fc.array(fc.tuple(fc.string(), fc.nat(255)), { minLength: 20, maxLength: 20 });
    for (const [name, primacy] of fc.sample(some, 1).flat())
      await store.add('/derp', 'DERProgram', program(name, primacy));
    const documents = (of: ResourceStore) => of.items('/derp').map(({ document }) => document as DERProgram);
    assert.equal(documents(store).length, 20);
    assert.deepEqual(documents(store), documents(store).toSorted(derProgramOrder));
    assert.deepEqual(documents(await opened()), documents(store));
  });

  test('an id is not given twice, also when its item is gone', async () => {
    const first = await store.add('/msg', 'MessagingProgram', sampleOf('MessagingProgram', 'a'));
    assert.equal(first.href, '/msg/1');
    await store.remove(first.href);
    for (const each of [store, await opened()]) {
      const next = await each.add('/msg', 'MessagingProgram', sampleOf('MessagingProgram', 'b'));
      assert.notEqual(next.href, first.href);
    }
  });

  test('a document is kept with its bytes, its 64-bit integers and its owner', async () => {
    const document = { ...sampleOf('DERControl', 'c'), creationTime: 2n ** 62n };
    const device = await new Registry(database).register({ meterId: 'A', lfdi: '0'.repeat(40), at: UnixSeconds(0) });
    const added = await store.add('/derp/1/derc', 'DERControl', document, { owner: device.id });
    const other = await opened();
    const again = other.document(added.href, 'DERControl');
    assert.equal(again?.creationTime, 2n ** 62n);
    assert.deepEqual(Buffer.from(again.mRID), Buffer.from(mridOf('c')));
    assert.deepEqual([other.get(added.href)?.changedAt, other.get(added.href)?.owner], [7, device.id]);
  });

  test('what only the server knows need not be said', async () => {
    const { EventStatus: _, ...event } = sampleOf('DERControl', 'without');
    const { href } = await store.add('/derp/1/derc', 'DERControl', event as typeof event & { EventStatus: never });
    assert.equal(store.document(href, 'DERControl')?.EventStatus.currentStatus, 0);
  });

  test('put says whether it was the first; a change is told after it holds', async () => {
    const changes: ResourceChange[] = [];
    using _ = store.onChange((change) => changes.push(change));
    const seen: unknown[] = [];
    using __ = store.onChange(({ href }) => seen.push(store.get(href)?.document));
    const [one, two] = [sampleOf('DefaultDERControl', 'd'), sampleOf('DefaultDERControl', 'e')];
    assert.equal(await store.put('/derp/1/dderc', 'DefaultDERControl', one), 'created');
    assert.equal(await store.put('/derp/1/dderc', 'DefaultDERControl', two), 'replaced');
    assert.equal(await store.remove('/derp/1/dderc'), true);
    assert.equal(await store.remove('/derp/1/dderc'), false);
    assert.deepEqual(
      changes.map((change) => [change.href, change.kind, change.before?.document]),
      [
        ['/derp/1/dderc', 'added', undefined],
        ['/derp/1/dderc', 'changed', one],
        ['/derp/1/dderc', 'removed', two],
      ],
    );
    assert.deepEqual(seen, [one, two, undefined]);
  });

  test('what is removed goes with everything below it, and nothing beside it', async () => {
    const { href } = await store.add('/tp', 'TariffProfile', sampleOf('TariffProfile', 't'));
    const component = await store.add(`${href}/rc`, 'RateComponent', sampleOf('RateComponent', 'r'));
    await store.add(`${component.href}/tti`, 'TimeTariffInterval', sampleOf('TimeTariffInterval', 'i'));
    const beside = await store.put(`${href}0`, 'TariffProfile', sampleOf('TariffProfile', 'u'));
    assert.equal(beside, 'created');
    await store.remove(href);
    for (const each of [store, await opened()]) {
      assert.deepEqual(
        [each.get(href), each.items(`${href}/rc`), each.get(component.href)],
        [undefined, [], undefined],
      );
      assert.notEqual(each.get(`${href}0`), undefined);
    }
  });

  test('a full list refuses one more, or drops its oldest, as its kind has it', async () => {
    for (let i = 0; i < 64; i++) await store.add('/derp/1/dc', 'DERCurve', sampleOf('DERCurve', `${i}`));
    await assert.rejects(store.add('/derp/1/dc', 'DERCurve', sampleOf('DERCurve', 'x')), {
      code: 'GTX-RES-001',
    });
    const event = (i: number) => ({ ...sampleOf('LogEvent', ''), createdDateTime: BigInt(i) });
    for (let i = 0; i < 257; i++) await store.add('/edev/1/lel', 'LogEvent', event(i));
    for (const each of [store, await opened()]) {
      const times = each
        .items('/edev/1/lel')
        .map(({ document }) => (document as { createdDateTime: bigint }).createdDateTime);
      assert.deepEqual([times.length, times[0], times.at(-1)], [256, 256n, 1n]);
    }
  });

  test('a document beyond 16 KiB is refused, and one that the schema does not allow', async () => {
    const had = store.version;
    const notificationURI = `https://h/${'x'.repeat(16_384)}`;
    const long = { ...sampleOf('Subscription', ''), notificationURI };
    await assert.rejects(store.add('/edev/2/sub', 'Subscription', long), { code: 'GTX-RES-002' });
    await assert.rejects(store.put('/derp/9', 'DERProgram', program('p', 256)), { code: 'GTX-XML-032' });
    assert.equal(store.version, had);
  });

  test('changes that come at once happen one after another, and memory and database agree', async () => {
    const puts = Array.from({ length: 20 }, (_, primacy) =>
      store.put('/derp/race', 'DERProgram', program('race', primacy)),
    );
    assert.deepEqual((await Promise.all(puts)).toSorted().slice(0, 2), ['created', 'replaced']);
    for (const each of [store, await opened()]) assert.equal(each.document('/derp/race', 'DERProgram')?.primacy, 19);
  });
});
