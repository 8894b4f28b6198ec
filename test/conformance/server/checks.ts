import assert from 'node:assert/strict';
import type { Instruction, Parameter, Parameters } from '../procedure.ts';
import type { Seen } from './context.ts';
import { textOf } from './parameters.ts';
import { hexNumber, scaled } from './quantities.ts';
import { isReadingType, readingType, roleFlags } from './reading-types.ts';
import { parentOf, resourceOf } from './resource-tree.ts';
import type { VirtualClient } from './virtual-client.ts';
import { readDocument, type XmlElement } from '../xml.ts';
import { documentText } from './xml.ts';

/** The checks see the client alone, and how the operator named the assignments, in their order. */
export interface Checked {
  readonly client: VirtualClient;
  readonly annotations: readonly string[];
}

type Check = (checked: Checked, parameters: Parameters) => void;

/** The most that a client's clock and the server's may differ, seconds. */
const clockTolerance = 5;

/** What a parameter of a control check is held against. */
const controlFacts: Readonly<Record<string, (seen: Seen) => Parameter | undefined>> = {
  ...Object.fromEntries(
    ['opModImpLimW', 'opModExpLimW', 'opModGenLimW', 'opModLoadLimW', 'opModStorageTargetW'].map((name) => [
      name,
      ({ element }: Seen) => scaled(element.at('DERControlBase', name)),
    ]),
  ),
  opModConnect: ({ element }) => truth(element, 'opModConnect'),
  opModEnergize: ({ element }) => truth(element, 'opModEnergize'),
  opModFixedW: ({ element }) => element.number('DERControlBase', 'opModFixedW'),
  rampTms: ({ element }) => element.number('DERControlBase', 'rampTms'),
  setGradW: ({ element }) => element.number('setGradW'),
  randomizeStart: ({ element }) => element.number('randomizeStart'),
  duration: ({ element }) => element.number('interval', 'duration'),
  event_status: ({ element }) => element.number('EventStatus', 'currentStatus'),
  responseRequired: ({ element }) => hexNumber(element.attributes['responseRequired']),
  derp_primacy: ({ parent }) => (parent?.name === 'DERProgram' ? parent : parent?.parent)?.element.number('primacy'),
  sub_id: ({ subscription }) => subscription,
};

const truth = (element: XmlElement, name: string): boolean | undefined => {
  const text = element.value('DERControlBase', name);
  return text === undefined ? undefined : text === 'true' || text === '1';
};

/** Whether a resource is what the parameters say; `null` asks for absence. */
const matches = (seen: Seen, parameters: Parameters): boolean =>
  Object.entries(parameters).every(([name, wanted]) => {
    if (name === 'minimum_count' || name === 'maximum_count' || name === 'latest') return true;
    const fact = controlFacts[name];
    assert.ok(fact !== undefined, `unknown parameter ${name}`);
    return (fact(seen) ?? null) === wanted;
  });

function count(what: string, found: readonly unknown[], parameters: Parameters, all = found.length): void {
  const { minimum_count: least, maximum_count: most } = parameters;
  const told = `${what}: ${found.length} of ${all} match ${JSON.stringify(parameters)}`;
  assert.ok(typeof least !== 'number' || found.length >= least, told);
  assert.ok(typeof most !== 'number' || found.length <= most, told);
}

const countMatching =
  (name: 'DERControl' | 'DefaultDERControl'): Check =>
  ({ client }, parameters) => {
    const all = client.context.all(name);
    const known = parameters['latest'] === true ? all.slice(-1) : all;
    count(
      name,
      known.filter((seen) => matches(seen, parameters)),
      parameters,
      all.length,
    );
  };

const checks: Readonly<Record<string, Check>> = {
  discovered: ({ client }, parameters) => {
    for (const name of ((parameters['resources'] ?? []) as readonly Parameter[]).map(resourceOf)) {
      assert.ok(client.context.all(name).length > 0, `the client has discovered no ${name}`);
    }
    for (const name of ((parameters['links'] ?? []) as readonly Parameter[]).map(resourceOf)) {
      const parents = client.context.all(parentOf(name) ?? 'DeviceCapability');
      assert.ok(parents.length > 0, `the client has discovered nothing with a ${name}Link`);
      for (const { element, href } of parents) {
        assert.ok(element.link(`${name}Link`) !== undefined, `${href} has no ${name}Link`);
      }
    }
  },

  'time-synced': ({ client }) => {
    const time = client.context.one('Time').element;
    const now = client.stand.now();
    const difference = Math.abs((time.number('currentTime') ?? 0) - now);
    assert.ok(difference <= clockTolerance, `the server's time differs by ${difference} s`);
  },

  'end-device': ({ client }, parameters) => {
    const device = client.endDevice();
    assert.equal(device !== undefined, parameters['matches_client'] ?? true, `an EndDevice of LFDI ${client.lfdi}`);
    if (device === undefined) return;
    assert.equal(device.element.value('sFDI'), client.sfdi);
    if (parameters['matches_pin'] !== true) return;
    const registrations = client.context.all('Registration').filter(({ parent }) => parent?.href === device.href);
    assert.deepEqual(
      registrations.map(({ element }) => element.number('pIN')),
      [client.pin],
    );
  },

  'end-device-list': ({ client }, parameters) => {
    const { poll_rate: rate, sub_id: subscription } = parameters;
    const found = client.context
      .all('EndDeviceList')
      .filter((seen) => subscription === undefined || seen.subscription === subscription)
      .filter(({ element }) => rate === undefined || Number(element.attributes['pollRate']) === rate);
    count('EndDeviceList', found, parameters);
  },

  'function-set-assignment': ({ client }, parameters) => {
    const own = client.endDevice()?.href;
    const found = client.context
      .all('FunctionSetAssignments')
      .filter(({ parent }) => parameters['matches_client_edev'] !== true || parent?.parent?.href === own)
      .filter(({ subscription }) => [undefined, subscription].includes(parameters['sub_id'] as string | undefined));
    count('FunctionSetAssignments', found, parameters);
  },

  'der-program': ({ client, annotations }, parameters) => {
    const { primacy, fsa_index: index, sub_id: subscription } = parameters;
    // Upstream's index counts in the order of its ids; the standard orders by mRID, so the annotation says which.
    const annotation = index === undefined ? undefined : annotations.at(Number(index));
    const found = client.context
      .all('DERProgram')
      .filter(({ element }) => primacy === undefined || element.number('primacy') === primacy)
      .filter((seen) => subscription === undefined || seen.subscription === subscription)
      .filter(({ parent }) => {
        const assignment = parent?.parent?.element;
        return index === undefined || (annotation !== undefined && assignment?.value('description') === annotation);
      });
    count('DERProgram', found, parameters);
  },

  'der-control': countMatching('DERControl'),
  'default-der-control': countMatching('DefaultDERControl'),

  'mirror-usage-point': ({ client }, parameters) => {
    const found = client.context.all('MirrorUsagePoint').filter(({ element }) => isMirror(element, parameters));
    const told = `MirrorUsagePoints that match ${JSON.stringify(parameters)}: ${found.length}`;
    assert.equal(found.length > 0, parameters['matches'] !== false, told);
  },

  'poll-rate': ({ client }, parameters) => {
    const known = client.context.all(resourceOf(parameters['resource']));
    assert.ok(known.length > 0, `the client has discovered no ${JSON.stringify(parameters['resource'])}`);
    for (const { element, href } of known) {
      // Table of defaults: 900 s where a resource does not say.
      assert.equal(
        Number(element.attributes['pollRate'] ?? 900),
        parameters['poll_rate_seconds'],
        `pollRate of ${href}`,
      );
    }
  },

  'der-control-responses': ({ client }, parameters) => {
    const { sent_response_type: status } = parameters;
    const found = client.context
      .all('DERControl')
      .filter(({ href }) => client.responses.get(href)?.includes(Number(status)) === true);
    count(`controls answered with ${JSON.stringify(status)}`, found, parameters);
  },
};

function isMirror(element: XmlElement, parameters: Parameters): boolean {
  const {
    location,
    reading_types: types,
    mmr_mrids: mrids,
    check_mup_mrid: mrid,
    post_rate_seconds: rate,
  } = parameters;
  const readings = element.all('MirrorMeterReading');
  return (
    (location === undefined ||
      hexNumber(element.value('roleFlags')) === hexNumber(roleFlags[textOf(parameters, 'location')])) &&
    (mrid === undefined || element.value('mRID')?.toUpperCase() === mrid) &&
    (rate === undefined || element.number('postRate') === rate) &&
    (mrids === undefined ||
      sameSet(
        readings.map((reading) => reading.value('mRID')?.toUpperCase()),
        mrids as readonly string[],
      )) &&
    (types === undefined ||
      sameSet(
        readings.map((reading) => typeKey(reading.at('ReadingType'))),
        (types as readonly string[]).map((name) => {
          assert.ok(isReadingType(name), `unknown reading type ${name}`);
          return typeKey(readDocument(documentText('ReadingType', readingType(name, 0))));
        }),
      ))
  );
}

const typeKey = (type: XmlElement | undefined): string =>
  ['uom', 'dataQualifier', 'kind', 'phase'].map((name) => type?.value(name) ?? '').join();

const sameSet = (a: readonly (string | undefined)[], b: readonly string[]): boolean =>
  a.length === b.length && b.every((item) => a.includes(item));

/** Throws where a check of a procedure does not hold. */
export function check(checked: Checked, { type }: Instruction, parameters: Parameters): void {
  const found = checks[type];
  assert.ok(found !== undefined, `unknown check ${type}`);
  found(checked, parameters);
}
