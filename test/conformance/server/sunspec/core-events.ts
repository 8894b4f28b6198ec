import assert from 'node:assert/strict';
import type { Seen } from '../context.ts';
import { respondToControls, sendMalformedResponse, sendResponse } from '../response-actions.ts';
import type { ServerStand } from '../stand.ts';
import { Site, Status, statusOf, sunspec } from './site.ts';

/** Randomisation is served as the operator gave it, within an hour either way, and moves the earliest start. */
async function randomized(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const program = await site.utility.addProgram(1);
  const cases = [
    { description: 'late', randomizeStart: 60, randomizeDuration: 30 },
    { description: 'early', randomizeStart: -60, randomizeDuration: -30 },
    { description: 'hour', randomizeStart: 3600, randomizeDuration: -3600 },
  ];
  for (const [at, others] of cases.entries()) {
    await site.addControl(program, { opModConnect: true }, { delay: 7200 * (at + 1), duration: 3660 }, others);
  }
  for (const { element } of await site.find('DERControl')) {
    const wanted = cases.find(({ description }) => description === element.value('description'));
    assert.equal(element.number('randomizeStart'), wanted?.randomizeStart);
    assert.equal(element.number('randomizeDuration'), wanted?.randomizeDuration);
  }
  for (const wrong of [{ randomizeStart: 3601 }, { randomizeDuration: -3601 }]) {
    const body = {
      interval: { start: stand.now() + 60, duration: 60 },
      DERControlBase: { opModConnect: true },
      ...wrong,
    };
    const { status } = await stand.operator.ask('POST', `/programs/${program.id}/controls`, body);
    assert.ok(status >= 400 && status < 500, `${JSON.stringify(wrong)}: ${status}`);
  }
  // An early start makes the event active before its interval begins: at its earliest effective start.
  await stand.advance(7200 * 2 - 60);
  assert.equal((await site.statuses())['early'], Status.active);
}

/** Received, started, completed: each is taken, and told to the operator. */
async function responsesBasic(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const program = await site.utility.addProgram(1);
  await site.addControl(program, { opModConnect: true }, { delay: 60, duration: 60 });
  const control = await site.findOne('DERControl');
  assert.equal(control.element.attributes['responseRequired'], '03');
  for (const seconds of [0, 60, 60]) {
    if (seconds > 0) await stand.advance(seconds);
    await respondToControls(site.client);
  }
  assert.deepEqual(await statusesTold(site, control), [1, 2, 3]);
}

/** What the operator reads of a control's responses, in their order. */
async function statusesTold(site: Site, control: Seen): Promise<number[]> {
  const told = JSON.stringify(await site.utility.read('responses'));
  const mRID = control.element.value('mRID')?.toUpperCase() ?? '';
  const responses = flatten(JSON.parse(told)).filter((response) => String(response['subject']).toUpperCase() === mRID);
  const inOrder = responses.toSorted((a, b) => Number(a['createdDateTime']) - Number(b['createdDateTime']));
  return inOrder.map((response) => Number(response['status'])).toSorted((a, b) => a - b);
}

/** Every object of a JSON value that has a subject. */
function flatten(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'subject' in value ? [value as Record<string, unknown>] : [];
  return [...own, ...Object.values(value).flatMap(flatten)];
}

/** Cancelled, superseded and the opting out of a client; what is wrong is refused and not kept. */
async function responsesAdvanced(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const program = await site.utility.addProgram(1);
  const cancelled = await site.addControl(
    program,
    { opModConnect: true },
    { delay: 600 },
    { description: 'cancelled' },
  );
  await site.addControl(program, { opModMaxLimW: 5000 }, { delay: 0 }, { description: 'superseded' });
  await site.find('DERControl');
  await respondToControls(site.client);
  await site.utility.cancel(program, cancelled);
  // The newer control wins, and creationTime has seconds.
  await stand.advance(15);
  await site.addControl(program, { opModMaxLimW: 4000 }, { delay: 0 }, { description: 'newer' });
  assert.deepEqual(await site.statuses(), {
    cancelled: Status.cancelled,
    superseded: Status.superseded,
    newer: Status.active,
  });
  await respondToControls(site.client);
  const controls = new Map(
    site.client.context.all('DERControl').map((seen) => [seen.element.value('description'), seen]),
  );
  assert.deepEqual(await statusesTold(site, controls.get('cancelled')!), [1, 6]);
  assert.deepEqual(await statusesTold(site, controls.get('superseded')!), [1, 2, 7]);
  const newer = controls.get('newer')!;
  // Opt-out, opt-in, partial opt-out, partial opt-in, no participation: Table 27.
  for (const status of [4, 5, 8, 9, 10]) await sendResponse(site.client, newer, status);
  const before = await statusesTold(site, newer);
  for (const wrong of ['mrid_unknown', 'endDeviceLFDI_unknown', 'response_invalid']) {
    await sendMalformedResponse(site.client, { [wrong]: true });
  }
  assert.deepEqual(await statusesTold(site, newer), before);
  assert.equal(statusOf(newer.element), Status.active);
}

export const eventTests = [
  sunspec('CORE-021', 'Randomised events', randomized),
  sunspec('CORE-022', 'Responses, basic', responsesBasic),
  sunspec('CORE-023', 'Responses, advanced', responsesAdvanced),
];
