import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';
import type { LoggedEvent } from '../client/log-events.ts';
import type { DeviceReports } from '../client/reports.ts';
import type { UtilityView } from '../client/utility-view.ts';
import { alarmEvents } from './alarm-log.ts';
import { DerReporter } from './der-reporter.ts';
import { reading, state } from './test-der-state.ts';

const lfdi = parseLfdi('1'.repeat(40));
const start = UnixSeconds(1_800_000_000);
const at = (seconds: number): UnixSeconds => UnixSeconds(start + seconds);

/** A client that takes everything down; its server has places for so many DERs. */
class Client {
  places = 1;
  readonly told: { readonly der: number; readonly reports: DeviceReports }[] = [];
  readonly events: LoggedEvent[] = [];
  standing: readonly LoggedEvent[] = [];

  report(reports: DeviceReports, _lfdi = lfdi, der = 0): void {
    this.told.push({ der, reports });
  }

  view(): UtilityView {
    return { ders: Array.from({ length: this.places }, () => ({})) } as unknown as UtilityView;
  }

  logEvent(event: LoggedEvent): void {
    this.events.push(event);
  }

  isStanding({ logEventCode }: LoggedEvent): boolean {
    return this.standing.some((event) => event.logEventCode === logEventCode);
  }
}

const reporterOf = (utility: Client): DerReporter => new DerReporter({ utility, lfdi, demandResponse: false });

test('one place is told of all DERs, two of the inverter and of the storage, as soon as they are there', () => {
  const client = new Client();
  const reporter = reporterOf(client);
  reporter.tell(state, at(0));
  client.places = 2;
  reporter.tell(state, at(15));
  const types = client.told.map(({ der, reports }) => [der, reports.DERCapability?.type]);
  assert.deepEqual(types, [
    [0, 83],
    [0, 4],
    [1, 80],
  ]);
});

test('documents are made anew with plant and settings only, availability every five minutes', () => {
  const client = new Client();
  const reporter = reporterOf(client);
  for (const seconds of [0, 15, 30]) reporter.tell(state, at(seconds));
  const [first, second, third] = client.told.map(({ reports }) => reports);
  assert.equal(client.told.length, 3);
  assert.equal(first?.DERSettings, second?.DERSettings);
  assert.notEqual(second?.DERStatus, third?.DERStatus);
  assert.deepEqual([first?.DERAvailability === undefined, third?.DERAvailability === undefined], [false, true]);
  reporter.tell({ ...state, settings: {} }, at(300));
  assert.notEqual(client.told.at(-1)?.reports.DERSettings, first?.DERSettings);
  assert.ok(client.told.at(-1)?.reports.DERAvailability);
});

test('an alarm that an earlier run has told is not told again, and its end is', () => {
  const client = new Client();
  client.standing = alarmEvents(new Set(), new Set(['overVoltage', 'overFrequency']));
  const alarmed = {
    ...state,
    grid: { ...state.grid, inverter: { ...reading, alarms: new Set(['acOverVoltage'] as const) } },
  };
  const reporter = reporterOf(client);
  reporter.tell(alarmed, at(0));
  reporter.tell(alarmed, at(15));
  assert.deepEqual(
    client.events.map(({ details }) => details),
    ['overFrequency: back to normal'],
  );
});
