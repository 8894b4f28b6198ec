import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmEvents, alarmsTold } from './alarm-log.ts';

const of11 = { functionSet: 11, logEventPEN: 40_732, profileID: 2 };

test('an alarm is logged once when it comes and once when it goes, each with its own code', () => {
  const raised = alarmEvents(new Set(), new Set(['overVoltage']));
  assert.deepEqual(raised, [{ ...of11, logEventCode: 2, details: 'overVoltage' }]);
  assert.deepEqual(alarmEvents(new Set(['overVoltage']), new Set(['overVoltage'])), []);
  const gone = alarmEvents(new Set(['overVoltage']), new Set());
  assert.deepEqual(gone, [{ ...of11, logEventCode: 3, details: 'overVoltage: back to normal' }]);
});

test('of alarms that change together each is logged, in the order of alarmStatus', () => {
  const events = alarmEvents(new Set(['underFrequency']), new Set(['emergencyLocal', 'overCurrent']));
  assert.deepEqual(
    events.map(({ logEventCode }) => logEventCode),
    [0, 9, 14],
  );
});

test('details fit a String32', () => {
  const all = new Set(['voltageImbalance', 'currentImbalance', 'emergencyRemote', 'underFrequency'] as const);
  for (const { details = '' } of alarmEvents(all, new Set())) assert.ok(details.length <= 32, details);
});

test('what the log was told of last time is found by the codes of its events, raised ones only', () => {
  const raised = alarmEvents(new Set(), new Set(['overVoltage', 'phaseRotation']));
  const codes = new Set(raised.map(({ logEventCode }) => logEventCode));
  const told = alarmsTold((event) => event.functionSet === 11 && codes.has(event.logEventCode));
  assert.deepEqual(told, new Set(['overVoltage', 'phaseRotation']));
});
