import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameters } from '../procedure.ts';
import { procedures } from '../procedures.generated.ts';
import { check } from './checks.ts';
import { ClientContext, type Seen } from './context.ts';
import type { ResourceName } from './resource-tree.ts';
import type { VirtualClient } from './virtual-client.ts';
import { readDocument } from '../xml.ts';

const lfdi = '3E4F45AB31EDFE5B67E343E5E4562E31984E23E5';

function seen(name: ResourceName, xml: string, parent?: Seen, subscription?: string): Seen {
  const element = readDocument(xml);
  return {
    name,
    href: element.href ?? `/${name}`,
    element,
    parent,
    ...(subscription === undefined ? {} : { subscription }),
  };
}

/** A client that has seen one of everything. */
function clientOf(now = 1003): VirtualClient {
  const context = new ClientContext();
  const put = (...all: Seen[]): void => {
    for (const one of all) context.upsert(one);
  };
  const devices = seen(
    'EndDeviceList',
    '<EndDeviceList href="/edev" pollRate="30" all="1" results="1"/>',
    undefined,
    'sub',
  );
  const device = seen(
    'EndDevice',
    `<EndDevice href="/edev/1"><lFDI>${lfdi}</lFDI><RegistrationLink href="/edev/1/rg"/><sFDI>167261211391</sFDI></EndDevice>`,
    devices,
  );
  const assignments = seen('FunctionSetAssignmentsList', '<FunctionSetAssignmentsList href="/edev/1/fsa"/>', device);
  const assignment = seen(
    'FunctionSetAssignments',
    '<FunctionSetAssignments href="/edev/1/fsa/1"><description>fsa1</description></FunctionSetAssignments>',
    assignments,
  );
  const programs = seen('DERProgramList', '<DERProgramList href="/edev/1/fsa/1/derp"/>', assignment);
  const program = seen('DERProgram', '<DERProgram href="/derp/1"><primacy>2</primacy></DERProgram>', programs);
  const controls = seen('DERControlList', '<DERControlList href="/derp/1/derc"/>', program);
  put(devices, device, assignments, assignment, programs, program, controls);
  put(
    seen(
      'DERControl',
      '<DERControl href="/derp/1/derc/1" responseRequired="03"><EventStatus><currentStatus>1</currentStatus></EventStatus><interval><duration>60</duration></interval><DERControlBase><opModConnect>false</opModConnect><opModExpLimW><multiplier>1</multiplier><value>1000</value></opModExpLimW></DERControlBase></DERControl>',
      controls,
      'sub',
    ),
    seen(
      'DefaultDERControl',
      '<DefaultDERControl href="/derp/1/dderc"><DERControlBase/><setGradW>100</setGradW></DefaultDERControl>',
      program,
    ),
    seen('Registration', '<Registration href="/edev/1/rg"><pIN>111115</pIN></Registration>', device),
    seen('Time', '<Time href="/tm"><currentTime>1000</currentTime></Time>'),
    seen(
      'MirrorUsagePoint',
      '<MirrorUsagePoint href="/mup/1"><mRID>AA</mRID><roleFlags>0049</roleFlags><MirrorMeterReading><mRID>BB</mRID><ReadingType><dataQualifier>2</dataQualifier><kind>37</kind><uom>38</uom></ReadingType></MirrorMeterReading><postRate>60</postRate></MirrorUsagePoint>',
    ),
  );
  const client = {
    context,
    lfdi,
    sfdi: '167261211391',
    pin: 111_115,
    stand: { now: () => now },
    responses: new Map([['/derp/1/derc/1', [1, 2]]]),
    endDevice: () => context.all('EndDevice').find(({ element }) => element.value('lFDI') === lfdi),
  };
  return client as unknown as VirtualClient;
}

const one = { minimum_count: 1, maximum_count: 1 };

/** Parameters that hold of that client, and parameters that do not. */
const cases: Readonly<
  Record<string, { readonly holds: readonly Parameters[]; readonly fails: readonly Parameters[] }>
> = {
  discovered: {
    holds: [{ resources: ['Time', 'DERControl'], links: ['Registration'] }],
    fails: [{ resources: ['DER'] }, { links: ['ConnectionPoint'] }, { links: ['DERStatus'] }],
  },
  'end-device': { holds: [{ matches_client: true, matches_pin: true }], fails: [{ matches_client: false }] },
  'end-device-list': {
    holds: [{ ...one, poll_rate: 30, sub_id: 'sub' }],
    fails: [
      { ...one, poll_rate: 60 },
      { ...one, sub_id: 'x' },
    ],
  },
  'function-set-assignment': {
    holds: [{ ...one, matches_client_edev: true }],
    fails: [{ minimum_count: 2 }, { ...one, sub_id: 'sub' }],
  },
  'der-program': {
    holds: [
      { ...one, primacy: 2, fsa_index: 0 },
      { ...one, fsa_index: -1 },
    ],
    fails: [
      { ...one, primacy: 1 },
      { ...one, fsa_index: 1 },
      { ...one, sub_id: 'sub' },
    ],
  },
  'der-control': {
    holds: [
      { ...one, opModExpLimW: 10_000, opModConnect: false, event_status: 1, responseRequired: 3, rampTms: null },
      { ...one, derp_primacy: 2, sub_id: 'sub', duration: 60 },
      { maximum_count: 0, event_status: 0 },
    ],
    fails: [
      { ...one, opModExpLimW: 1000 },
      { ...one, opModConnect: true },
      { ...one, opModConnect: null },
      { ...one, rampTms: 3000 },
      { maximum_count: 0 },
      { minimum_count: 2 },
      { ...one, derp_primacy: 1 },
      { ...one, sub_id: 'other' },
    ],
  },
  'default-der-control': {
    holds: [{ ...one, setGradW: 100 }],
    fails: [
      { ...one, setGradW: 50 },
      { ...one, opModExpLimW: 0 },
    ],
  },
  'mirror-usage-point': {
    holds: [
      {
        matches: true,
        location: 'Device',
        reading_types: ['ActivePowerAverage'],
        mmr_mrids: ['BB'],
        check_mup_mrid: 'AA',
      },
      { matches: false, location: 'Site' },
      { matches: true, post_rate_seconds: 60 },
    ],
    fails: [
      { matches: false },
      { matches: true, location: 'Site' },
      { matches: true, reading_types: ['ReactivePowerAverage'] },
      { matches: true, mmr_mrids: ['CC'] },
      { matches: true, post_rate_seconds: 300 },
    ],
  },
  'poll-rate': {
    holds: [{ resource: 'EndDeviceList', poll_rate_seconds: 30 }],
    fails: [
      { resource: 'EndDeviceList', poll_rate_seconds: 60 },
      { resource: 'DERList', poll_rate_seconds: 30 },
    ],
  },
  'der-control-responses': {
    holds: [
      { ...one, sent_response_type: 2 },
      { maximum_count: 0, sent_response_type: 3 },
    ],
    fails: [{ ...one, sent_response_type: 3 }],
  },
  'time-synced': { holds: [{}], fails: [] },
};

for (const [type, { holds, fails }] of Object.entries(cases)) {
  test(`the check ${type} takes what holds and rejects what does not`, () => {
    const checked = { client: clientOf(), annotations: ['fsa1'] };
    for (const parameters of holds) check(checked, { type }, parameters);
    for (const parameters of fails) {
      assert.throws(() => check(checked, { type }, parameters), assert.AssertionError, JSON.stringify(parameters));
    }
  });
}

test('a clock that is more than five seconds off is not in step', () => {
  const client = clientOf(1006);
  assert.throws(() => check({ client, annotations: [] }, { type: 'time-synced' }, {}), assert.AssertionError);
});

test('every check of the procedures is known, and a parameter that is not is an error', () => {
  const types = Object.values(procedures.server).flatMap(({ steps }) =>
    steps.flatMap((step) => (step.checks ?? []).map((wanted) => wanted.type)),
  );
  assert.deepEqual(new Set(types), new Set(Object.keys(cases)));
  const checked = { client: clientOf(), annotations: [] };
  assert.throws(() => check(checked, { type: 'der-control' }, { opModMagic: 1 }), /unknown parameter/);
  assert.throws(() => check(checked, { type: 'magic' }, {}), /unknown check/);
});
