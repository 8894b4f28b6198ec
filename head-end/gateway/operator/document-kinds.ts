import type { JsonObject } from '#ieee2030_5/json.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';

/**
 * A kind of 2030.5 document that operators give: what it is called over REST, and where it stands on the 2030.5 side.
 * Routes, checks and the interface description are made from this.
 */
export interface DocumentKind {
  /** Last segment of its collection's path over REST; of its own path when there is only one. */
  readonly path: string;
  /** Of its list's href below the parent's; of its own href when there is only one. */
  readonly segment: string;
  readonly name: RootName;
  /** In kebab case; the path parameter has this name in camel case. */
  readonly noun: string;
  /** Each parent has one at most: it is PUT, not POSTed. */
  readonly isSingle?: true;
  /** Shown to one device alone, which the member `device` names. */
  readonly isOwned?: true;
  /** As it may be POSTed or PUT. */
  readonly example: JsonObject;
  readonly children?: readonly DocumentKind[];
}

/** 2026-06-01T12:00:00Z, for examples. */
const noon = 1_780_315_200;
const interval = { start: noon, duration: 1800 };
const power = { multiplier: 0, value: 3000 };

export const connectionPoint: DocumentKind = {
  path: 'connection-point',
  segment: 'cp',
  name: 'ConnectionPoint',
  noun: 'connection-point',
  isSingle: true,
  example: { connectionPointId: '2001985732' },
};

const programs: DocumentKind = {
  path: 'programs',
  segment: 'derp',
  name: 'DERProgram',
  noun: 'program',
  example: { description: 'Feeder 7', primacy: 10 },
  children: [
    {
      path: 'controls',
      segment: 'derc',
      name: 'DERControl',
      noun: 'control',
      example: {
        description: 'Export at most 3 kW',
        responseRequired: '03',
        interval,
        randomizeStart: 60,
        DERControlBase: { opModExpLimW: power },
      },
    },
    {
      path: 'default-control',
      segment: 'dderc',
      name: 'DefaultDERControl',
      noun: 'default-control',
      isSingle: true,
      example: { description: 'Without an event', DERControlBase: { opModExpLimW: power }, setGradW: 28 },
    },
    {
      path: 'curves',
      segment: 'dc',
      name: 'DERCurve',
      noun: 'curve',
      example: {
        description: 'Volt-VAr',
        curveType: 11,
        CurveData: [
          { xvalue: 9200, yvalue: 4400 },
          { xvalue: 10_800, yvalue: -4400 },
        ],
        xMultiplier: -2,
        yMultiplier: -2,
        yRefType: 3,
      },
    },
  ],
};

const tariffs: DocumentKind = {
  path: 'tariffs',
  segment: 'tp',
  name: 'TariffProfile',
  noun: 'tariff',
  example: {
    description: 'Time of use',
    currency: 840,
    pricePowerOfTenMultiplier: -4,
    primacy: 1,
    serviceCategoryKind: 0,
  },
  children: [
    {
      path: 'rate-components',
      segment: 'rc',
      name: 'RateComponent',
      noun: 'rate-component',
      example: { description: 'Energy', roleFlags: '0000' },
      children: [
        {
          path: 'reading-type',
          segment: 'rt',
          name: 'ReadingType',
          noun: 'reading-type',
          isSingle: true,
          example: { accumulationBehaviour: 4, flowDirection: 1, powerOfTenMultiplier: 0, uom: 72 },
        },
        {
          path: 'time-tariff-intervals',
          segment: 'tti',
          name: 'TimeTariffInterval',
          noun: 'time-tariff-interval',
          example: { description: 'Peak', interval, touTier: 2 },
          children: [
            {
              path: 'consumption-tariff-intervals',
              segment: 'cti',
              name: 'ConsumptionTariffInterval',
              noun: 'consumption-tariff-interval',
              example: { consumptionBlock: 1, price: 2500, startValue: 0 },
            },
          ],
        },
      ],
    },
  ],
};

const messagingPrograms: DocumentKind = {
  path: 'messaging-programs',
  segment: 'msg',
  name: 'MessagingProgram',
  noun: 'messaging-program',
  example: { description: 'News of the grid', locale: 'en', primacy: 1 },
  children: [
    {
      path: 'messages',
      segment: 'txt',
      name: 'TextMessage',
      noun: 'message',
      example: { interval, priority: 1, originator: 'Utility', textMessage: 'Maintenance on Monday at noon' },
    },
  ],
};

const demandResponsePrograms: DocumentKind = {
  path: 'demand-response-programs',
  segment: 'dr',
  name: 'DemandResponseProgram',
  noun: 'demand-response-program',
  example: { description: 'Summer peaks', primacy: 5 },
  children: [
    {
      path: 'controls',
      segment: 'edc',
      name: 'EndDeviceControl',
      noun: 'end-device-control',
      example: {
        interval,
        deviceCategory: '00000001',
        drProgramMandatory: false,
        loadShiftForward: false,
        DutyCycle: { normalValue: 50 },
      },
    },
  ],
};

/** Without fileURI its content is kept here. */
const files: DocumentKind = {
  path: 'files',
  segment: 'file',
  name: 'File',
  noun: 'file',
  example: { mfID: 40_732, mfModel: 'Board', mfVer: '1.4.0', size: 5, type: '0000' },
};

const bill: DocumentKind = {
  path: 'customer-accounts',
  segment: 'bill',
  name: 'CustomerAccount',
  noun: 'customer-account',
  isOwned: true,
  example: { description: 'Engineering', currency: 840, customerName: 'Engineering', pricePowerOfTenMultiplier: -6 },
  children: [
    {
      path: 'service-supplier',
      segment: 'ss',
      name: 'ServiceSupplier',
      noun: 'service-supplier',
      isSingle: true,
      example: { description: 'Campus', email: 'energy@campus.example' },
    },
    {
      path: 'agreements',
      segment: 'ca',
      name: 'CustomerAgreement',
      noun: 'agreement',
      example: { description: 'Peer to peer', serviceLocation: 'Building 7' },
      children: [
        {
          path: 'billing-periods',
          segment: 'bp',
          name: 'BillingPeriod',
          noun: 'billing-period',
          example: { interval: { start: noon, duration: 2_592_000 }, billToDate: 1250 },
        },
        {
          path: 'projection-readings',
          segment: 'pro',
          name: 'ProjectionReading',
          noun: 'projection-reading',
          example: { description: 'Next month' },
        },
        {
          path: 'target-readings',
          segment: 'tar',
          name: 'TargetReading',
          noun: 'target-reading',
          example: { description: 'Saving' },
        },
        {
          path: 'historical-readings',
          segment: 'ver',
          name: 'HistoricalReading',
          noun: 'historical-reading',
          example: { description: 'Last month' },
        },
      ],
    },
  ],
};

const billingReadingSets: DocumentKind = {
  path: 'billing-reading-sets',
  segment: 'brs',
  name: 'BillingReadingSet',
  noun: 'billing-reading-set',
  isOwned: true,
  example: { description: 'June', timePeriod: { start: noon, duration: 2_592_000 } },
  children: [
    {
      path: 'readings',
      segment: 'br',
      name: 'BillingReading',
      noun: 'billing-reading',
      example: { timePeriod: { start: noon, duration: 86_400 }, value: 12_345 },
    },
  ],
};

/** Everything that stands at the top. */
export const documentKinds: readonly DocumentKind[] = [
  programs,
  tariffs,
  messagingPrograms,
  demandResponsePrograms,
  files,
  bill,
  billingReadingSets,
];

/** `rate-component` as a path parameter, and as part of an operation's name. */
export const camel = (noun: string): string => noun.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
export const pascal = (noun: string): string => camel(`-${noun}`);
/** As people say it. */
export const words = ({ noun }: DocumentKind): string => noun.replaceAll('-', ' ');
