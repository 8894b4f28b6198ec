import assert from 'node:assert/strict';
import type { Instruction, Parameter, Parameters } from '../procedure.ts';
import { textOf } from './parameters.ts';
import { insertReadings, upsertMirror } from './mirror-actions.ts';
import type { Elements } from './operator.ts';
import { activePower, hex, hexNumber, scaled } from './quantities.ts';
import { expectRefusal, expectStatus, locationOf, type RawResponse } from './raw-client.ts';
import { type ResourceName, resourceOf } from './resource-tree.ts';
import { respondToControls, sendMalformedResponse } from './response-actions.ts';
import { simulate } from './simulation.ts';
import { collectNotifications, createSubscription, deleteSubscription } from './subscription-actions.ts';
import { setMaxW, type VirtualClient } from './virtual-client.ts';
import type { XmlElement } from '../xml.ts';
import { documentText } from './xml.ts';

/** Who acts, and whose discovered resources it uses: its own, but for tests of authorisation. */
export interface Acting {
  readonly client: VirtualClient;
  readonly context: VirtualClient;
}

type Action = (acting: Acting, parameters: Parameters) => Promise<void>;

const resourcesOf = (parameter: Parameter | undefined): ResourceName[] =>
  (parameter as readonly Parameter[]).map((item) => resourceOf(item));

/** Expects what the procedure does: a refusal, or a success. */
const judge = (response: RawResponse, parameters: Parameters, ...statuses: readonly number[]): boolean => {
  if (parameters['expect_rejection'] === true) expectRefusal(response);
  else expectStatus(response, ...statuses);
  return parameters['expect_rejection'] !== true;
};

/** Puts a document where a link of the client's context leads, and reads it back. */
async function put(
  { client, context }: Acting,
  [resource, link, root]: readonly [ResourceName, string, string],
  content: Elements,
  parameters: Parameters,
): Promise<XmlElement | undefined> {
  const href = context.context.one(resource).element.link(link);
  assert.ok(href !== undefined, `${resource} has no ${link}`);
  const body = documentText(root, content);
  const isTaken = judge(await client.raw.ask('PUT', href, { body }), parameters, 200, 201, 204);
  return isTaken ? client.raw.get(href) : undefined;
}

const actions: Readonly<Record<string, Action>> = {
  discovery: async ({ client }, parameters) => {
    const limit = parameters['list_limit'];
    const page = limit === undefined ? undefined : Number(limit);
    await client.context.discover(client.raw, resourcesOf(parameters['resources']), page);
  },

  wait: async ({ client }, parameters) => client.stand.advance(Number(parameters['duration_seconds'])),

  forget: async ({ client }, parameters) => {
    for (const name of resourcesOf(parameters['resources'])) client.context.forget(name);
  },

  'refresh-resource': async ({ client, context }, parameters) => {
    const name = resourceOf(parameters['resource']);
    const known = context.context.all(name);
    assert.ok(known.length > 0, `the client has discovered no ${name}`);
    if (parameters['expect_rejection'] === undefined && parameters['expect_rejection_or_empty'] === undefined) {
      await client.context.refresh(client.raw, name);
      return;
    }
    for (const { href } of known) {
      const answer = await client.raw.ask('GET', href);
      const isEmpty = answer.status === 200 && /\ball="0"/.test(answer.text);
      if (parameters['expect_rejection'] === true || !isEmpty) expectRefusal(answer);
    }
  },

  'insert-end-device': async ({ client, context }, parameters) => {
    const list = context.context.one('EndDeviceList');
    const lFDI = parameters['force_lfdi'] === undefined ? context.lfdi : textOf(parameters, 'force_lfdi');
    const content = { deviceCategory: '01', lFDI, sFDI: context.sfdi, changedTime: client.stand.now() };
    const body = documentText('EndDevice', content);
    const answer = await client.raw.ask('POST', list.href, { body });
    if (!judge(answer, parameters, 201)) return;
    const href = locationOf(answer);
    const element = await client.raw.get(href);
    assert.equal(element.value('lFDI')?.toUpperCase(), client.lfdi);
    assert.equal(element.value('sFDI'), client.sfdi);
    client.context.upsert({ name: 'EndDevice', href, element, parent: list });
  },

  'upsert-connection-point': async (acting, parameters) => {
    const id = textOf(parameters, 'connectionPointId');
    const device = acting.client.endDevice();
    assert.ok(device !== undefined, 'the client has no EndDevice');
    const href = device.element.link('ConnectionPointLink');
    assert.ok(href !== undefined, 'the EndDevice has no ConnectionPointLink');
    const body = documentText('csipaus:ConnectionPoint', { 'csipaus:connectionPointId': id });
    if (!judge(await acting.client.raw.ask('PUT', href, { body }), parameters, 200, 201, 204)) return;
    assert.equal((await acting.client.raw.get(href)).value('connectionPointId'), id);
  },

  'upsert-der-status': async (acting, parameters) => {
    const now = acting.client.stand.now();
    const { genConnectStatus, operationalModeStatus, alarmStatus } = parameters;
    const content = {
      ...(alarmStatus === undefined ? {} : { alarmStatus: hex(Number(alarmStatus), 8) }),
      ...(genConnectStatus === undefined
        ? {}
        : { genConnectStatus: { dateTime: now, value: hex(Number(genConnectStatus), 2) } }),
      ...(operationalModeStatus === undefined
        ? {}
        : { operationalModeStatus: { dateTime: now, value: Number(operationalModeStatus) } }),
      readingTime: now,
    };
    const status = await put(acting, ['DER', 'DERStatusLink', 'DERStatus'], content, parameters);
    if (status === undefined) return;
    assert.equal(hexNumber(status.value('genConnectStatus', 'value')), genConnectStatus);
    assert.equal(status.number('operationalModeStatus', 'value'), operationalModeStatus);
    assert.equal(hexNumber(status.value('alarmStatus')), alarmStatus);
    assert.equal(status.number('readingTime'), now);
  },

  'upsert-der-capability': async (acting, parameters) => {
    const { type, rtgMaxW, modesSupported, doeModesSupported } = parameters;
    const content = {
      modesSupported: hex(Number(modesSupported), 8),
      rtgMaxW: activePower(Number(rtgMaxW)),
      type: Number(type),
      'csipaus:doeModesSupported': hex(Number(doeModesSupported), 2),
    };
    const place = ['DER', 'DERCapabilityLink', 'DERCapability'] as const;
    const capability = await put(acting, place, content, parameters);
    if (capability === undefined) return;
    assert.equal(hexNumber(capability.value('modesSupported')), modesSupported);
    assert.equal(hexNumber(capability.value('doeModesSupported')), doeModesSupported);
    assert.equal(scaled(capability.at('rtgMaxW')), rtgMaxW);
    assert.equal(capability.number('type'), type);
  },

  'upsert-der-settings': async (acting, parameters) => {
    const { setMaxW: maxW, setGradW, modesEnabled, doeModesEnabled } = parameters;
    const content = {
      modesEnabled: hex(Number(modesEnabled), 8),
      setGradW: Number(setGradW),
      setMaxW: activePower(Number(maxW)),
      updatedTime: acting.client.stand.now(),
      'csipaus:doeModesEnabled': hex(Number(doeModesEnabled), 2),
    };
    const settings = await put(acting, ['DER', 'DERSettingsLink', 'DERSettings'], content, parameters);
    if (settings === undefined) return;
    assert.equal(hexNumber(settings.value('modesEnabled')), modesEnabled);
    assert.equal(hexNumber(settings.value('doeModesEnabled')), doeModesEnabled);
    assert.equal(scaled(settings.at('setMaxW')), maxW);
    assert.equal(settings.number('setGradW'), setGradW);
  },

  'send-malformed-der-settings': async (acting, parameters) => {
    assert.equal(parameters['updatedTime_missing'], true);
    const { client } = acting;
    const href = client.context.one('DER').element.link('DERSettingsLink') ?? '';
    const before = await client.raw.ask('GET', href);
    const content = { setGradW: 4321, setMaxW: activePower(setMaxW) };
    await put(acting, ['DER', 'DERSettingsLink', 'DERSettings'], content, { expect_rejection: true });
    const after = await client.raw.ask('GET', href);
    assert.deepEqual([after.status, after.text], [before.status, before.text], 'the settings have changed');
  },

  'upsert-mup': async ({ client }, parameters) => upsertMirror(client, parameters),
  'insert-readings': async ({ client }, parameters) => insertReadings(client, parameters),
  'create-subscription': async ({ client }, parameters) => createSubscription(client, parameters),
  'delete-subscription': async ({ client }, parameters) => deleteSubscription(client, parameters),
  notifications: async ({ client }, parameters) => collectNotifications(client, parameters),
  'respond-der-controls': async ({ client }) => respondToControls(client),
  'send-malformed-response': async ({ client }, parameters) => sendMalformedResponse(client, parameters),
  'simulate-client': async ({ client }, parameters) => simulate(client, parameters),
};

/** Does an action of a procedure; rejects where the server does not answer it as the procedure expects. */
export async function act(acting: Acting, { type }: Instruction, parameters: Parameters): Promise<void> {
  const action = actions[type];
  assert.ok(action !== undefined, `unknown action ${type}`);
  await action(acting, parameters);
}
