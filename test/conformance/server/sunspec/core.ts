import assert from 'node:assert/strict';
import { documentOf, expectStatus, locationOf, mediaType } from '../raw-client.ts';
import type { ServerStand } from '../stand.ts';
import { readDocument, type XmlElement } from '../../xml.ts';
import { documentText } from '../xml.ts';
import { Site, sunspec } from './site.ts';

const subscriptionTo = (subscribedResource: string): string =>
  documentText('Subscription', {
    subscribedResource,
    encoding: 0,
    level: '+S1',
    limit: 1,
    notificationURI: 'https://127.0.0.1:1/none',
  });

async function httpRequests(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw } = site.client;
  for (const accept of [mediaType, `${mediaType}; level=-S1`, `${mediaType};q=0.9, application/sep-exi;q=0.1`, '*/*']) {
    documentOf(expectStatus(await raw.ask('GET', '/dcap', { headers: { accept } }), 200));
  }
  const got = expectStatus(await raw.ask('GET', '/dcap'), 200);
  const head = expectStatus(await raw.ask('HEAD', '/dcap'), 200);
  assert.equal(head.text, '');
  assert.equal(head.headers['content-length'], got.headers['content-length']);
  // Query parameters of others are not ours to refuse.
  expectStatus(await raw.ask('GET', '/dcap?unknown=1'), 200);
  const device = await site.findOne('EndDevice');
  const list = device.element.link('SubscriptionListLink') ?? '';
  const made = expectStatus(await raw.ask('POST', list, { body: subscriptionTo('/edev') }), 201);
  const href = locationOf(made);
  await raw.get(href);
  expectStatus(await raw.ask('DELETE', href), 200, 204);
  expectStatus(await raw.ask('GET', href), 404);
}

/** Every link of a document, by its name. */
const linksOf = (element: XmlElement): { name: string; href: string }[] =>
  element.children.flatMap(({ name, href }) => (name.endsWith('Link') && href !== undefined ? [{ name, href }] : []));

async function httpResponses(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw } = site.client;
  expectStatus(await raw.ask('GET', '/nothing'), 404);
  expectStatus(await raw.ask('GET', '/edev/4294967295'), 403, 404);
  const refused = expectStatus(await raw.ask('DELETE', '/dcap'), 405);
  assert.match(refused.headers.allow ?? '', /\bGET\b/);
  // RFC 9110 §15.6.2: a method that the server knows for no resource.
  expectStatus(await raw.ask('PATCH', '/dcap'), 405, 501);
  expectStatus(await raw.ask('GET', '/dcap', { headers: { accept: 'text/html' } }), 406);
  const mirrors = '/mup';
  expectStatus(await raw.ask('POST', mirrors, { body: '{}', headers: { 'content-type': 'application/json' } }), 415);
  for (const [body, reason] of [
    ['<MirrorUsagePoint', '0'],
    ['<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>', '0'],
    [documentText('MirrorUsagePoint', { mRID: 'XY' }), undefined],
  ] as const) {
    const answer = expectStatus(await raw.ask('POST', mirrors, { body }), 400);
    const error = readDocument(answer.text);
    assert.equal(error.name, 'Error');
    if (reason !== undefined) assert.equal(error.value('reasonCode'), reason);
  }
  // What is advertised is there: no link leads to 404, 501 or a failure.
  const device = await site.findOne('EndDevice');
  const root = await raw.get('/dcap');
  for (const { name, href } of [...linksOf(root), ...linksOf(device.element)]) {
    const { status } = await raw.ask('GET', href);
    assert.ok([200, 404].includes(status), `${name} ${href}: ${status}`);
    if (name.endsWith('ListLink')) assert.equal(status, 200, `${name} ${href}`);
  }
  // Conditional requests: what has not changed is not sent again.
  const { headers } = await raw.ask('GET', '/dcap');
  if (headers.etag !== undefined) {
    expectStatus(await raw.ask('GET', '/dcap', { headers: { 'if-none-match': headers.etag } }), 304);
  }
}

async function polling(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  await site.utility.addProgram(1);
  const resources = ['DeviceCapability', 'EndDeviceList', 'FunctionSetAssignmentsList', 'DERProgramList', 'DERList'];
  const names = { DeviceCapability: 'dcap', EndDeviceList: 'edev', FunctionSetAssignmentsList: 'fsa' };
  const settings = await stand.operator.done('GET', '/settings');
  for (const rate of [75, 600]) {
    const pollRate = Object.fromEntries([...Object.values(names), 'derp', 'der'].map((name) => [name, rate]));
    await stand.operator.done('PATCH', '/settings', { pollRate });
    for (const name of resources as ('DeviceCapability' | 'EndDeviceList' | 'DERProgramList' | 'DERList')[]) {
      const found = await site.findOne(name);
      assert.equal(Number(found.element.attributes['pollRate']), rate, `pollRate of ${name}`);
    }
  }
  await stand.operator.done('PATCH', '/settings', { pollRate: settings['pollRate'] });
}

const count = 10;

async function lists(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const program = await site.utility.addProgram(1);
  for (let n = count; n > 0; n--) {
    await site.addControl(program, { opModConnect: true }, { delay: n * 600, duration: 60 }, { description: `n${n}` });
  }
  const list = await site.findOne('DERControlList');
  const { raw } = site.client;
  const page = async (query: string) => {
    const element = await raw.get(`${list.href}${query}`);
    const found = element.all('DERControl').map((control) => control.value('description'));
    assert.equal(Number(element.attributes['results']), found.length, query);
    return { all: Number(element.attributes['all']), found };
  };
  const ordered = Array.from({ length: count }, (_, at) => `n${at + 1}`);
  // Event lists are by start, the soonest first; one item unless more are asked for.
  assert.deepEqual(await page(''), { all: count, found: ['n1'] });
  assert.deepEqual(await page('?l=255'), { all: count, found: ordered });
  assert.deepEqual(await page('?s=3&l=4'), { all: count, found: ordered.slice(3, 7) });
  assert.deepEqual(await page('?s=8&l=4'), { all: count, found: ordered.slice(8) });
  assert.deepEqual(await page(`?s=${count}&l=4`), { all: count, found: [] });
  assert.deepEqual(await page('?l=0'), { all: count, found: [] });
  const after = await page(`?l=255&a=${stand.now() + 5 * 600}`);
  assert.deepEqual(after.found, ordered.slice(5), 'items after a time');
  for (const query of ['?s=-1', '?l=x', '?s=1&s=2']) expectStatus(await raw.ask('GET', `${list.href}${query}`), 400);
  // Items come and go while a client pages.
  await site.addControl(program, { opModConnect: true }, { delay: 30, duration: 60 }, { description: 'n0' });
  assert.deepEqual(await page('?l=2'), { all: count + 1, found: ['n0', 'n1'] });
}

async function timeBasic(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { element } = await site.findOne('Time');
  assert.equal(element.number('currentTime'), stand.now());
  // Not coordinated to UTC by the means of the standard; CSIP expects 7.
  assert.equal(element.number('quality'), 7);
  assert.ok(Math.abs(element.number('tzOffset') ?? Number.NaN) <= 14 * 3600);
  const [from, until] = [element.number('dstStartTime') ?? 0, element.number('dstEndTime') ?? 0];
  assert.ok(from <= until || until > 0, 'daylight saving has a start and an end');
}

async function timeAdvanced(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const before = (await site.findOne('Time')).element;
  await stand.advance(3600);
  const { element } = await site.findOne('Time');
  assert.equal((element.number('currentTime') ?? 0) - (before.number('currentTime') ?? 0), 3600);
  const local = element.number('localTime');
  if (local !== undefined) {
    const offset = local - (element.number('currentTime') ?? 0) - (element.number('tzOffset') ?? 0);
    assert.ok([0, element.number('dstOffset')].includes(offset), `localTime differs by ${offset} s`);
  }
  expectStatus(await site.client.raw.ask('PUT', '/tm', { body: '<Time/>' }), 400, 403, 405);
}

export const coreTests = [
  sunspec('CORE-001', 'HTTP request', httpRequests),
  sunspec('CORE-002', 'HTTP response', httpResponses),
  sunspec('CORE-003', 'Polling', polling),
  sunspec('CORE-004', 'Lists', lists),
  sunspec('CORE-005', 'Time, basic', timeBasic),
  sunspec('CORE-006', 'Time, advanced', timeAdvanced),
];
