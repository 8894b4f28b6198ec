import assert from 'node:assert/strict';
import { expectRefusal, expectStatus } from '../raw-client.ts';
import type { ServerStand } from '../stand.ts';
import { primacyOf, Site, Status, statusOf, sunspec } from './site.ts';

/** A client that asks where something was is told where it is now. */
async function redirect(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw } = site.client;
  const { element } = await site.findOne('DeviceCapability');
  const list = element.link('EndDeviceListLink') ?? '';
  const to = 'https://127.0.0.1:8443/elsewhere';
  await stand.operator.done('PUT', '/redirects/conformance', { from: list, to });
  try {
    const moved = expectStatus(await raw.ask('GET', list), 301, 302, 307, 308);
    assert.equal(moved.headers.location, to);
    // What is not moved is where it was.
    await raw.get('/dcap');
  } finally {
    await stand.operator.done('DELETE', '/redirects/conformance');
  }
  assert.equal((await raw.get(list)).name, 'EndDeviceList');
}

async function removalOutOfBand(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand, 'aggregator');
  const device = (await site.find('EndDevice')).find(({ href }) => href === site.client.endDevice()?.href);
  assert.ok(device !== undefined, 'the device is not in the list');
  await site.utility.remove();
  await site.find('EndDevice');
  assert.equal(site.client.endDevice(), undefined, 'the removed device is in the list');
  expectRefusal(await site.client.raw.ask('GET', device.href));
}

async function removalInBand(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand, 'aggregator');
  await site.find('EndDevice');
  const href = site.client.endDevice()?.href ?? '';
  expectStatus(await site.client.raw.ask('DELETE', href), 200, 204);
  await site.find('EndDevice');
  assert.equal(site.client.endDevice(), undefined, 'the removed device is in the list');
  expectRefusal(await site.client.raw.ask('GET', href));
}

/** A device moves from one feeder to another: the one's program leaves its sight, the other's comes. */
async function reassignment(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  await site.utility.addProgram(30, 'Feeder 1');
  await site.utility.addProgram(40, 'Feeder 2');
  const [first, second] = site.utility.assignments;
  assert.ok(first !== undefined && second !== undefined);
  const seen = async (): Promise<(string | undefined)[]> =>
    (await site.find('FunctionSetAssignments')).map(({ element }) => element.value('description'));
  await site.utility.reassign(second, false);
  assert.deepEqual(await seen(), ['Feeder 1']);
  const left = (await site.findOne('DERProgram')).href;
  await site.utility.reassign(first, false);
  await site.utility.reassign(second, true);
  assert.deepEqual(await seen(), ['Feeder 2']);
  assert.equal((await site.findOne('DERProgram')).element.number('primacy'), 40);
  expectRefusal(await site.client.raw.ask('GET', left));
}

/** A control is replaced by another of the same program, cancelled, and cancelled with randomisation. */
async function controlChanges(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const program = await site.utility.addProgram(1);
  await site.addControl(program, { opModMaxLimW: 6000 }, { delay: 0, duration: 600 }, { description: 'first' });
  await stand.advance(15);
  const second = await site.addControl(
    program,
    { opModMaxLimW: 5000 },
    { delay: 120, duration: 600 },
    { description: 'second', randomizeStart: 30 },
  );
  // Superseded at the overlapping event's start, not before.
  assert.deepEqual(await site.statuses(), { first: Status.active, second: Status.scheduled });
  await stand.advance(120);
  assert.deepEqual(await site.statuses(), { first: Status.superseded, second: Status.active });
  await site.utility.cancel(program, second, { randomized: true, reason: 'maintenance' });
  assert.equal((await site.statuses())['second'], Status.cancelledRandomized);
  const third = await site.addControl(program, { opModConnect: true }, { delay: 900 }, { description: 'third' });
  await site.utility.cancel(program, third, { reason: 'not needed' });
  const control = (await site.find('DERControl')).find(({ element }) => element.value('description') === 'third');
  assert.equal(statusOf(control!.element), Status.cancelled);
  assert.equal(control!.element.value('EventStatus', 'reason'), 'not needed');
  assert.equal(control!.element.number('EventStatus', 'dateTime'), stand.now());
  // A cancelled event is kept for the time that it would have had.
  await stand.advance(600);
  assert.equal((await site.statuses())['third'], Status.cancelled);
  assert.deepEqual(await site.active(), []);
}

/** Two programs change places: what the client reads of their strength is what the operator says. */
async function primacySwap(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const [weak, strong] = [primacyOf('System'), primacyOf('Service point')];
  const system = await site.utility.addProgram(weak, 'System');
  const servicePoint = await site.utility.addProgram(strong, 'Service point');
  await site.addControl(system, { opModMaxLimW: 6000 }, {}, { description: 'system' });
  await site.addControl(servicePoint, { opModMaxLimW: 5000 }, {}, { description: 'service point' });
  const primacies = async () =>
    Object.fromEntries(
      (await site.find('DERControl')).map(({ element, parent }) => [
        element.value('description'),
        parent?.parent?.element.number('primacy'),
      ]),
    );
  assert.deepEqual(await primacies(), { system: weak, 'service point': strong });
  await site.utility.changePrimacy(system, strong);
  await site.utility.changePrimacy(servicePoint, weak);
  assert.deepEqual(await primacies(), { system: strong, 'service point': weak });
  // The programs' list is in the order of their strength.
  const list = (await site.find('DERProgramList')).map(({ href }) => href);
  assert.equal(list.length, 2);
}

export const redirectTests = [sunspec('ERR-001', 'Redirect', redirect)];
export const maintenanceTests = [
  sunspec('MAINT-001', 'Out-of-band removal of an EndDevice', removalOutOfBand),
  sunspec('MAINT-002', 'In-band removal of an EndDevice', removalInBand),
  sunspec('MAINT-003', 'FunctionSetAssignments reassignment', reassignment),
  sunspec('MAINT-004', 'DERControl changes', controlChanges),
  sunspec('MAINT-005', 'Primacy swap', primacySwap),
];
