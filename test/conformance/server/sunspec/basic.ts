import assert from 'node:assert/strict';
import { assertHolds } from '../elements.ts';
import { insertReadings, upsertMirror } from '../mirror-actions.ts';
import { expectRefusal, expectStatus, locationOf } from '../raw-client.ts';
import type { ServerStand } from '../stand.ts';
import { documentText } from '../xml.ts';
import { groups, primacyOf, Site, sunspec } from './site.ts';

/** A device is known by LFDI, SFDI and PIN, and tells what it is. */
async function identification(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw, lfdi, sfdi, pin } = site.client;
  const device = await site.findOne('EndDevice');
  assert.equal(device.element.value('lFDI')?.toUpperCase(), lfdi);
  assert.equal(device.element.value('sFDI'), sfdi);
  const registration = await site.findOne('Registration');
  assert.equal(registration.element.number('pIN'), pin);
  const href = device.element.link('DeviceInformationLink');
  assert.ok(href !== undefined, 'the EndDevice has no DeviceInformationLink');
  const content = {
    lFDI: lfdi,
    mfDate: 1_700_000_000,
    mfHwVer: '1',
    mfID: 40_732,
    mfModel: 'Inverter',
    mfSerNum: 'A-1',
    primaryPower: 1,
    secondaryPower: 0,
    swActTime: 1_700_000_000,
    swVer: '2.0',
  };
  expectStatus(await raw.ask('PUT', href, { body: documentText('DeviceInformation', content) }), 200, 201, 204);
  const { lFDI: _, ...rest } = content;
  assertHolds(await raw.get(href), rest);
}

/** A device is put into the groups of the grid, one by one, and finds them in the order of their strength. */
async function grouping(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const found: number[] = [];
  for (const group of groups) {
    await site.utility.addProgram(primacyOf(group), group);
    found.push(primacyOf(group));
    const primacies = (await site.find('DERProgram')).map(({ element }) => element.number('primacy') ?? -1);
    assert.deepEqual(new Set(primacies), new Set(found), group);
  }
}

/** The programs that a device finds, by their primacy. */
const programsOf = async (site: Site) =>
  new Map((await site.find('DERProgram')).map((seen) => [seen.element.number('primacy'), seen]));

/** Two devices in two feeders below one system: each sees the system and its own feeder, and nothing of the other. */
async function separateGroups(stand: ServerStand): Promise<void> {
  await using first = await Site.make(stand);
  await using second = await Site.make(stand);
  const system = await first.utility.addProgram(primacyOf('System'), 'System');
  const { id } = await first.utility.assign('System');
  await stand.operator.done('PUT', `/function-set-assignments/${id}`, {
    description: 'System',
    programs: [system.id],
    devices: [first.utility.device, second.utility.device],
  });
  await first.utility.addProgram(30, 'Feeder 1');
  await second.utility.addProgram(40, 'Feeder 2');
  const [ofFirst, ofSecond] = [await programsOf(first), await programsOf(second)];
  assert.deepEqual(new Set(ofFirst.keys()), new Set([primacyOf('System'), 30]));
  assert.deepEqual(new Set(ofSecond.keys()), new Set([primacyOf('System'), 40]));
  const mRID = (programs: typeof ofFirst) => programs.get(primacyOf('System'))?.element.value('mRID');
  assert.equal(mRID(ofFirst), mRID(ofSecond), 'one program for all of a group');
  await first.addControl(system, { opModMaxLimW: 5000 });
  const [one, same] = [await first.findOne('DERControl'), await second.findOne('DERControl')];
  assert.equal(one.element.value('mRID'), same.element.value('mRID'));
  expectRefusal(await first.client.raw.ask('GET', ofSecond.get(40)!.href));
}

/** An alarm is told as a bit of DERStatus and as an event of the log, and so is its end. */
async function alarms(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw } = site.client;
  const der = await site.findOne('DER');
  const status = der.element.link('DERStatusLink') ?? '';
  const device = await site.findOne('EndDevice');
  const log = device.element.link('LogEventListLink');
  assert.ok(log !== undefined, 'the EndDevice has no LogEventListLink');
  // DERStatus.alarmStatus bit 1: DER_FAULT_OVER_VOLTAGE; log event codes 2 and 3 are its beginning and its end.
  for (const [logEventID, [alarmStatus, logEventCode]] of [
    ['00000002', 2],
    ['00000000', 3],
  ].entries() as ArrayIterator<[number, [string, number]]>) {
    const told = { alarmStatus, readingTime: stand.now() };
    expectStatus(await raw.ask('PUT', status, { body: documentText('DERStatus', told) }), 200, 201, 204);
    assertHolds(await raw.get(status), told);
    const entry = {
      createdDateTime: stand.now(),
      functionSet: 11,
      logEventCode,
      logEventID,
      logEventPEN: 37_250,
      profileID: 2,
    };
    const made = expectStatus(await raw.ask('POST', log, { body: documentText('LogEvent', entry) }), 201);
    assertHolds(await raw.get(locationOf(made)), entry);
    await stand.advance(15);
  }
  const list = await raw.get(`${log}?l=10`);
  // The newest first.
  assert.deepEqual(
    list.all('LogEvent').map((entry) => entry.number('logEventCode')),
    [3, 2],
  );
  assert.match(JSON.stringify(await site.utility.read('log-events')), /"logEventCode":3/);
}

async function inverterStatus(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw } = site.client;
  const href = (await site.findOne('DER')).element.link('DERStatusLink') ?? '';
  // Operating, then shutting down, then off: InverterStatusType 4, 6, 1.
  for (const value of [4, 6, 1]) {
    const dateTime = stand.now();
    const content = {
      genConnectStatus: { dateTime, value: value === 4 ? '07' : '00' },
      inverterStatus: { dateTime, value },
      operationalModeStatus: { dateTime, value: value === 4 ? 2 : 1 },
      readingTime: dateTime,
      stateOfChargeStatus: { dateTime, value: 5000 },
    };
    expectStatus(await raw.ask('PUT', href, { body: documentText('DERStatus', content) }), 200, 201, 204);
    assertHolds(await raw.get(href), content);
    await stand.advance(15);
  }
  assert.match(JSON.stringify(await site.utility.read('der')), /"inverterStatus":\{[^}]*"value":1\b/);
}

/** Readings that are mirrored can be read back through the usage point that the server makes of the mirror. */
async function meterReading(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  const { raw } = site.client;
  await site.find('MirrorUsagePointList');
  const mup_id = 'meter';
  const types = ['ActivePowerAverage', 'ReactivePowerAverage', 'VoltageSinglePhaseAverage', 'FrequencyAverage'];
  await upsertMirror(site.client, { mup_id, location: 'Site', reading_types: types });
  const values = {
    ActivePowerAverage: [1000, -2000],
    ReactivePowerAverage: [100, 200],
    VoltageSinglePhaseAverage: [230.1, 231.2],
    FrequencyAverage: [50, 49.9],
  };
  await insertReadings(site.client, { mup_id, values });
  const points = (await raw.get('/dcap')).link('UsagePointListLink');
  assert.ok(points !== undefined, 'DeviceCapability has no UsagePointListLink');
  const list = await raw.get(`${points}?l=10`);
  const mRID = site.client.mirrors.get(mup_id)?.mRID;
  const point = list.all('UsagePoint').find((candidate) => candidate.value('mRID')?.toUpperCase() === mRID);
  assert.ok(point !== undefined, 'no UsagePoint of the mirror');
  const readings = await raw.get(`${point.link('MeterReadingListLink')}?l=10`);
  const found = new Map<string, number[]>();
  for (const reading of readings.all('MeterReading')) {
    const sets = await raw.get(`${reading.link('ReadingSetListLink')}?l=10`);
    const type = await raw.get(reading.link('ReadingTypeLink') ?? '');
    const scale = 10 ** (type.number('powerOfTenMultiplier') ?? 0);
    for (const set of sets.all('ReadingSet')) {
      const page = await raw.get(`${set.link('ReadingListLink')}?l=10`);
      const own = page.all('Reading').map((one) => Math.round((one.number('value') ?? 0) * scale * 10) / 10);
      const name = reading.value('description') ?? '';
      found.set(name, [...own, ...(found.get(name) ?? [])]);
    }
  }
  for (const [name, wanted] of Object.entries(values)) {
    assert.deepEqual(new Set(found.get(name)), new Set(wanted), name);
  }
}

export const identityTests = [
  sunspec('BASIC-001', 'DER identification', identification),
  sunspec('BASIC-002', 'Group management: assignment', grouping),
  sunspec('BASIC-003', 'Group management: separate groups', separateGroups),
];
export const monitoringTests = [
  sunspec('BASIC-027', 'Alarms', alarms),
  sunspec('BASIC-028', 'Inverter status', inverterStatus),
  sunspec('BASIC-029', 'Meter reading', meterReading),
];
