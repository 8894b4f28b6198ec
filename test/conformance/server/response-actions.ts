import assert from 'node:assert/strict';
import type { Parameters } from '../procedure.ts';
import type { Seen } from './context.ts';
import { expectRefusal, expectStatus } from './raw-client.ts';
import { newMrid, type VirtualClient } from './virtual-client.ts';
import { documentText } from './xml.ts';

/** Response statuses of IEEE 2030.5-2018 Table 27 by the EventStatus that they answer. */
const received = 1;
const started = 2;
const completed = 3;
const answerOf: Readonly<Record<number, number>> = { 2: 6, 3: 6, 4: 7 };
/** A number that the table has for nothing. */
const reserved = 20;

const post = (client: VirtualClient, control: Seen, content: { lfdi: string; status: number; subject: string }) => {
  const replyTo = control.element.attributes['replyTo'];
  assert.ok(replyTo !== undefined && replyTo !== '', `${control.href} has no replyTo`);
  const body = documentText('DERControlResponse', {
    createdDateTime: client.stand.now(),
    endDeviceLFDI: content.lfdi,
    status: content.status,
    subject: content.subject,
  });
  return client.raw.ask('POST', replyTo, { body });
};

/** The statuses that a control calls for at a time, in their order. */
function dueFor({ element }: Seen, now: number): number[] {
  const required = Number.parseInt(element.attributes['responseRequired'] ?? '0', 16);
  const due = (required & 1) === 0 ? [] : [received];
  if ((required & 2) === 0) return due;
  const start = element.number('interval', 'start') ?? 0;
  const end = start + (element.number('interval', 'duration') ?? 0);
  const final = answerOf[element.number('EventStatus', 'currentStatus') ?? 0];
  if (final !== undefined) return [...due, final];
  return [...due, ...(now >= start ? [started] : []), ...(now >= end ? [completed] : [])];
}

/** Sends one response for a control, which the server must take. */
export async function sendResponse(client: VirtualClient, control: Seen, status: number): Promise<void> {
  const subject = control.element.value('mRID') ?? '';
  expectStatus(await post(client, control, { lfdi: client.lfdi, status, subject }), 200, 201, 204);
}

/** Sends every response that the known controls call for and that was not sent yet. */
export async function respondToControls(client: VirtualClient): Promise<void> {
  for (const control of client.context.all('DERControl')) {
    const sent = client.responses.get(control.href) ?? [];
    for (const status of dueFor(control, client.stand.now())) {
      if (sent.includes(status)) continue;
      await sendResponse(client, control, status);
      sent.push(status);
    }
    client.responses.set(control.href, sent);
  }
}

/** A response with one thing wrong: of an unknown event, of an unknown device, or with a status that does not exist. */
export async function sendMalformedResponse(client: VirtualClient, parameters: Parameters): Promise<void> {
  const control = client.context.all('DERControl').at(-1);
  assert.ok(control !== undefined, 'no DERControl to respond to');
  const answer = await post(client, control, {
    lfdi: parameters['endDeviceLFDI_unknown'] === true ? `${newMrid()}00000000` : client.lfdi,
    status: parameters['response_invalid'] === true ? reserved : started,
    subject: parameters['mrid_unknown'] === true ? newMrid() : (control.element.value('mRID') ?? ''),
  });
  expectRefusal(answer);
}
