import { mridOf } from '#ieee2030_5/identity.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { testLfdi, testStart } from './test-server.ts';
import { linkToCome } from './computed-members.ts';

const now = BigInt(testStart);
const lfdi = Uint8Array.from(Buffer.from(testLfdi(1), 'hex'));
const interval = { start: now, duration: 3600 };
const power = { multiplier: 0, value: 5000 };
const energy = { multiplier: 0, value: 500 };
const EventStatus = { currentStatus: 0, dateTime: now, potentiallySuperseded: false };
const identified = { mRID: mridOf('sample'), description: 'sample' };
const event = { ...identified, creationTime: now, EventStatus, interval };
const category = Uint8Array.of(1);
const response = { createdDateTime: now, endDeviceLFDI: lfdi, status: 1, subject: mridOf('sample') };

/** One document of every kind that a client or an operator sends, for tests. */
export const samples = {
  BillingPeriod: { interval },
  BillingReading: { value: 7, timePeriod: interval },
  BillingReadingSet: { ...identified, timePeriod: interval },
  Configuration: { currentLocale: 'en', userDeviceName: 'board' },
  ConnectionPoint: { connectionPointId: '2001985732' },
  ConsumptionTariffInterval: { consumptionBlock: 0, price: 25, startValue: 0 },
  CustomerAccount: { ...identified, currency: 840, pricePowerOfTenMultiplier: -3 },
  CustomerAgreement: { ...identified, serviceLocation: 'campus' },
  DefaultDERControl: { ...identified, DERControlBase: { opModExpLimW: power }, setGradW: 100 },
  DemandResponseProgram: { ...identified, primacy: 1 },
  DERAvailability: { readingTime: now },
  DERCapability: { modesSupported: category, rtgMaxW: power, type: 83 },
  DERControl: { ...event, DERControlBase: { opModExpLimW: power } },
  DERCurve: {
    ...identified,
    creationTime: now,
    CurveData: [{ xvalue: 1, yvalue: 1 }],
    curveType: 0,
    xMultiplier: 0,
    yMultiplier: 0,
    yRefType: 1,
  },
  DERProgram: { ...identified, primacy: 1 },
  DERSettings: { setGradW: 100, setMaxW: power, updatedTime: now },
  DERStatus: { readingTime: now },
  DeviceInformation: {
    lFDI: lfdi,
    mfDate: now,
    mfHwVer: '1',
    mfID: 1,
    mfModel: 'm',
    mfSerNum: '1',
    primaryPower: 1,
    secondaryPower: 0,
    swActTime: now,
    swVer: '1',
  },
  DeviceStatus: { changedTime: now },
  EndDevice: { changedTime: now, lFDI: lfdi, sFDI: 0 },
  EndDeviceControl: { ...event, deviceCategory: category, drProgramMandatory: false, loadShiftForward: false },
  File: { fileURI: '', mfID: 1, mfModel: 'm', mfVer: '1', size: 5, type: Uint8Array.of(0) },
  FileStatus: {
    loadPercent: 0,
    nextRequestAttempt: now,
    request503Count: 0,
    requestFailCount: 0,
    status: 0,
    statusTime: now,
  },
  FlowReservationRequest: {
    ...identified,
    creationTime: now,
    energyRequested: energy,
    intervalRequested: { duration: 300, start: now + 600n },
    powerRequested: power,
    RequestStatus: { dateTime: now, requestStatus: 0 },
  },
  HistoricalReading: identified,
  LoadShedAvailability: { sheddablePower: power },
  LogEvent: { createdDateTime: now, functionSet: 2, logEventCode: 1, logEventID: 1, logEventPEN: 1, profileID: 2 },
  MessagingProgram: { ...identified, locale: 'en', primacy: 1 },
  MirrorMeterReading: { mRID: mridOf('channel'), Reading: { value: 5, timePeriod: { start: now, duration: 15 } } },
  MirrorUsagePoint: {
    ...identified,
    deviceLFDI: lfdi,
    roleFlags: Uint8Array.of(0, 3),
    serviceCategoryKind: 0,
    status: 1,
    MirrorMeterReading: [{ mRID: mridOf('channel'), ReadingType: { uom: 72, flowDirection: 1 } }],
  },
  PowerStatus: { batteryStatus: 0, changedTime: now, currentPowerSource: 1 },
  PriceResponseCfg: { consumeThreshold: 1, maxReductionThreshold: 2, RateComponentLink: { href: '/tp/1/rc/1' } },
  ProjectionReading: identified,
  RateComponent: {
    ...identified,
    ReadingTypeLink: linkToCome,
    roleFlags: Uint8Array.of(0, 0),
    TimeTariffIntervalListLink: linkToCome,
  },
  Response: response,
  ServiceSupplier: { ...identified, email: 'help@example.org' },
  Subscription: {
    encoding: 0,
    level: '+S1',
    limit: 1,
    notificationURI: 'https://127.0.0.1:1/ntfy',
    subscribedResource: '/edev/1/fsa',
  },
  SupportedLocale: { locale: 'en' },
  TargetReading: identified,
  TariffProfile: { ...identified, primacy: 1, serviceCategoryKind: 0 },
  TextMessage: { ...event, priority: 0, textMessage: 'Good morning' },
  TimeTariffInterval: { ...event, touTier: 0 },
} as const satisfies { readonly [N in RootName]?: Roots[N] };
export type SampleName = keyof typeof samples;

export const isSample = (name: string): name is SampleName => Object.hasOwn(samples, name);

/** A sample with an mRID of its own. */
export const sampleOf = <N extends SampleName>(name: N, key: string): (typeof samples)[N] => {
  const sample = samples[name];
  return 'mRID' in sample ? { ...sample, mRID: mridOf(key) } : sample;
};
