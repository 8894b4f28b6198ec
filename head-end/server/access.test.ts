import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Decision, decide, type Relation } from './access.ts';
import { resourceRules } from './resource-rules.ts';

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'constructor'];

test('what is own, or of a device that one acts for, takes the methods of the table and no other', () => {
  for (const rule of resourceRules.values()) {
    for (const method of methods) {
      const isThere = rule.methods.some((one) => one === (method === 'HEAD' ? 'GET' : method));
      const expected: Decision = isThere ? 'allow' : 'no-such-method';
      for (const relation of ['own', 'aggregated'] satisfies Relation[]) {
        assert.equal(decide(rule, relation, method), expected, `${method} ${rule.id}`);
      }
    }
  }
});

test("another's is forbidden, and nobody's absent, by any method", () => {
  for (const rule of [undefined, ...resourceRules.values()]) {
    for (const method of methods) {
      assert.equal(decide(rule, 'other', method), 'forbidden');
      assert.equal(decide(rule, 'absent', method), 'absent');
    }
  }
});

test('who is not registered may discover and register where that is open, and nothing else', () => {
  const open = [...resourceRules.values()].flatMap((rule) =>
    methods
      .filter((method) => decide(rule, 'unregistered', method) === 'allow')
      .map((method) => `${method} ${rule.id}`),
  );
  assert.deepEqual(open.toSorted(), [
    'GET DeviceCapability',
    'GET EndDeviceList',
    'GET MirrorUsagePointList',
    'GET Time',
    'HEAD DeviceCapability',
    'HEAD EndDeviceList',
    'HEAD MirrorUsagePointList',
    'HEAD Time',
    'POST EndDeviceList',
  ]);
  for (const rule of [undefined, ...resourceRules.values()]) {
    for (const method of methods) {
      assert.equal(decide(rule, 'unknown', method), 'forbidden');
      assert.notEqual(decide(rule, 'unregistered', method), 'no-such-method');
    }
  }
});

test('a device writes what is its own to write, and nothing that operators put there', () => {
  const writable = [...resourceRules.values()].filter(({ methods: has }) => has.some((method) => method !== 'GET'));
  const device = 'Configuration ConnectionPoint DeviceInformation DeviceStatus EndDevice EndDeviceList FileStatus';
  const der = 'DERAvailability DERCapability DERSettings DERStatus LoadShedAvailability LoadShedAvailabilityList';
  const more =
    'LogEvent LogEventList PowerStatus PriceResponseCfg PriceResponseCfgList SupportedLocale SupportedLocaleList';
  const said = 'FlowReservationRequest FlowReservationRequestList MirrorUsagePoint MirrorUsagePointList ResponseList';
  const asked = 'Subscription SubscriptionList';
  assert.deepEqual(
    new Set(writable.map(({ id }) => id)),
    new Set([device, der, more, said, asked].flatMap((names) => names.split(' '))),
  );
});
