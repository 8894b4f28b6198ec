import assert from 'node:assert/strict';
import { assertHolds } from '../elements.ts';
import { activePower } from '../quantities.ts';
import { expectRefusal, expectStatus, identifiersOf, leafOf } from '../raw-client.ts';
import type { ServerStand } from '../stand.ts';
import { documentText } from '../xml.ts';
import { groups, primacyOf, Site, statusOf, Status, sunspec } from './site.ts';

/** An aggregator sees its devices and no others', each with its registration; what is added or removed shows. */
async function endDevices(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand, 'aggregator');
  await using other = await Site.make(stand);
  const pins = new Map([[site.client.lfdi, site.client.pin]]);
  const aggregator = await site.utility.aggregator();
  for (const pin of [222_220, 333_335]) {
    const { lfdi } = identifiersOf(leafOf((await stand.identity()).certificatePem).raw);
    await stand.operator.make('/devices', { lfdi, pin, aggregator });
    pins.set(lfdi, pin);
  }
  const lfdisOf = async (): Promise<string[]> =>
    (await site.find('EndDevice')).map(({ element }) => (element.value('lFDI') ?? '').toUpperCase());
  for (const lfdi of pins.keys()) assert.ok((await lfdisOf()).includes(lfdi), `the aggregator does not see ${lfdi}`);
  assert.ok(!(await lfdisOf()).includes(other.client.lfdi), "the aggregator sees another's device");
  for (const { element, parent } of await site.find('Registration')) {
    const wanted = pins.get(parent?.element.value('lFDI')?.toUpperCase() ?? '');
    if (wanted !== undefined) assert.equal(element.number('pIN'), wanted);
  }
  const foreign = (await other.findOne('EndDevice')).href;
  expectRefusal(await site.client.raw.ask('GET', foreign));
  const removed = [...pins.keys()].at(-1) ?? '';
  await stand.operator.done('DELETE', `/devices/${removed}`);
  assert.ok(!(await lfdisOf()).includes(removed), 'a removed device is still in the list');
}

/** So many groups, each with an assignment and a program of its own primacy; the client finds every one. */
const assignments = (levels: number) => async (stand: ServerStand) => {
  await using site = await Site.make(stand);
  for (let level = 1; level <= levels; level++) await site.utility.addProgram(level, `level ${level}`);
  const found = await site.find('DERProgram');
  const primacies = found.map(({ element }) => element.number('primacy') ?? 0).toSorted((a, b) => a - b);
  assert.deepEqual(
    primacies,
    Array.from({ length: levels }, (_, at) => at + 1),
  );
  const lists = site.client.context.all('FunctionSetAssignments').map(({ element }) => element.value('description'));
  assert.equal(new Set(lists).size, levels);
  for (const { element, parent } of found) {
    assert.equal(parent?.parent?.element.value('description'), `level ${element.number('primacy')}`);
  }
  // Another device sees none of them.
  await using other = await Site.make(stand);
  assert.deepEqual(await other.find('DERProgram'), []);
  expectRefusal(await other.client.raw.ask('GET', found[0]!.href));
};

/** A program with a default and one control: everything that it links to is there. */
async function programBasic(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const program = await site.utility.addProgram(4);
  await site.utility.setDefault(program, { DERControlBase: { opModMaxLimW: 9000 }, setGradW: 100 });
  await site.addControl(program, { opModMaxLimW: 5000 });
  const { element } = await site.findOne('DERProgram');
  assert.equal(element.number('primacy'), 4);
  assert.match(element.value('mRID') ?? '', /^[0-9A-Fa-f]{32}$/);
  assertHolds((await site.findOne('DefaultDERControl')).element, {
    DERControlBase: { opModMaxLimW: 9000 },
    setGradW: 100,
  });
  const control = await site.findOne('DERControl');
  assertHolds(control.element.at('DERControlBase'), { opModMaxLimW: 5000 });
  assert.equal(statusOf(control.element), Status.active);
  assert.deepEqual(await site.active(), [control.element.value('mRID')]);
  // A single event is fetched by its own address too.
  assert.equal((await site.client.raw.get(control.href)).value('mRID'), control.element.value('mRID'));
}

/** Seven programs, one a group, each with its default and its control. */
async function programAdvanced(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  for (const [at, group] of groups.entries()) {
    const program = await site.utility.addProgram(primacyOf(group), group);
    await site.utility.setDefault(program, { DERControlBase: { opModMaxLimW: 9000 + at } });
    await site.addControl(program, { opModMaxLimW: 5000 + at }, { delay: 60 * (at + 1) }, { description: group });
  }
  const defaults = await site.find('DefaultDERControl');
  const controls = await site.find('DERControl');
  assert.equal(controls.length, groups.length);
  for (const [at, group] of groups.entries()) {
    const ofGroup = ({ parent }: (typeof defaults)[number]): boolean =>
      [parent, parent?.parent].some((above) => above?.element.number('primacy') === primacyOf(group));
    assertHolds(defaults.find(ofGroup)?.element, { DERControlBase: { opModMaxLimW: 9000 + at } });
    assertHolds(controls.find(ofGroup)?.element, { description: group, DERControlBase: { opModMaxLimW: 5000 + at } });
  }
}

async function settings(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const der = await site.findOne('DER');
  const href = der.element.link('DERSettingsLink') ?? '';
  for (const watts of [5000, 60_000]) {
    const content = {
      modesEnabled: '00000003',
      setGradW: 100,
      setMaxVA: activePower(watts + 1000),
      setMaxW: activePower(watts),
      updatedTime: stand.now(),
    };
    expectStatus(await site.client.raw.ask('PUT', href, { body: documentText('DERSettings', content) }), 200, 201, 204);
    assertHolds(await site.client.raw.get(href), content);
    // The operator sees it too.
    assert.match(
      JSON.stringify(await site.utility.read('der')),
      new RegExp(`"setMaxW":\\{[^}]*"value":${activePower(watts).value}\\b`),
    );
  }
}

export const groupTests = [
  sunspec('CORE-009', 'EndDevice, advanced', endDevices),
  sunspec('CORE-010', 'FunctionSetAssignments, 7 levels', assignments(7)),
  sunspec('CORE-011', 'FunctionSetAssignments, 15 levels', assignments(15)),
  sunspec('CORE-012', 'DERProgram, basic', programBasic),
  sunspec('CORE-013', 'DERProgram, advanced', programAdvanced),
  sunspec('CORE-014', 'DERSettings', settings),
];
