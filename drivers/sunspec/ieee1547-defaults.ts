import type { CurvePoint, EnterService, FreqDroop, TripPoint } from '../grid-support.ts';
import type { ModelId } from './device-map.ts';

/** What a device of IEEE 1547-2018 is set to when it leaves the factory: category B, abnormal category III. */

/** Table 4. */
export const defaultEnterService: EnterService = {
  maxVoltagePercent: 105,
  minVoltagePercent: 91.7,
  maxHz: 60.1,
  minHz: 59.5,
  delaySeconds: 300,
  randomDelaySeconds: 0,
  rampSeconds: 300,
};

/** Table 24. */
export const defaultFreqDroop: FreqDroop = {
  deadbandOverHz: 0.036,
  deadbandUnderHz: 0.036,
  droopOver: 0.05,
  droopUnder: 0.05,
  responseSeconds: 5,
};

/** Share of the apparent power that category B gives as reactive power (Table 7), and of it above the active rating. */
export const varShare = 0.44;
export const apparentShare = 1.1;

const at = (seconds: number, magnitude: number): TripPoint => ({ seconds, magnitude });

export type TripCurves = Readonly<Record<'MustTrip' | 'MayTrip' | 'MomCess', readonly TripPoint[]>>;

/** One of the SunSpec models 707 to 710. */
export interface TripModel {
  readonly model: ModelId & (707 | 708 | 709 | 710);
  /** The point of a vertex that holds its magnitude. */
  readonly magnitude: 'V' | 'Hz';
  readonly quantity: 'voltage' | 'frequency';
  readonly side: 'low' | 'high';
  /** Tables 13, 16 and 18, 19: the staircases from the quickest vertex on. */
  readonly curves: TripCurves;
}

export const tripModels: readonly TripModel[] = [
  {
    model: 707,
    magnitude: 'V',
    quantity: 'voltage',
    side: 'low',
    curves: {
      MustTrip: [at(2, 0), at(2, 50), at(21, 50), at(21, 88)],
      MayTrip: [at(1, 0), at(1, 50), at(10, 50), at(10, 70), at(20, 88)],
      MomCess: [at(0.08, 0), at(0.08, 50)],
    },
  },
  {
    model: 708,
    magnitude: 'V',
    quantity: 'voltage',
    side: 'high',
    curves: {
      MustTrip: [at(0.16, 130), at(0.16, 120), at(13, 120), at(13, 110)],
      MayTrip: [at(12, 120), at(12, 110)],
      MomCess: [at(0.08, 130), at(0.08, 110)],
    },
  },
  {
    model: 709,
    magnitude: 'Hz',
    quantity: 'frequency',
    side: 'low',
    curves: {
      MustTrip: [at(0.16, 50), at(0.16, 56.5), at(300, 56.5), at(300, 58.5)],
      MayTrip: [at(0.16, 57), at(299, 57), at(299, 58.5)],
      MomCess: [],
    },
  },
  {
    model: 710,
    magnitude: 'Hz',
    quantity: 'frequency',
    side: 'high',
    curves: {
      MustTrip: [at(0.16, 66), at(0.16, 62), at(300, 62), at(300, 61.2)],
      MayTrip: [at(0.16, 61.8), at(299, 61.8), at(299, 61.2)],
      MomCess: [],
    },
  },
];

/** The points of a curve that changes nothing: no reactive power, or full active power, at any x. */
export const neutralCurves: Readonly<Record<705 | 706 | 712, readonly CurvePoint[]>> = {
  705: [
    { x: 92, y: 0 },
    { x: 108, y: 0 },
  ],
  706: [
    { x: 106, y: 100 },
    { x: 110, y: 100 },
  ],
  712: [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
  ],
};
