export const buildingTypes = ['academic', 'residential', 'administrative', 'athletic', 'research', 'support'] as const;
export type BuildingType = (typeof buildingTypes)[number];

export interface LoadShape {
  /** The load at each full hour of local time as a share of the peak; straight lines between. Synthetic. */
  readonly weekday: readonly number[];
  readonly weekend: readonly number[];
  /** Minutes at the end of each hour of teaching in which rooms empty, and the share of the load that stays. */
  readonly breaks?: {
    readonly minutes: number;
    readonly share: number;
    readonly fromHour: number;
    readonly toHour: number;
  };
  /** Matches, meets and courses: seeded, lasting one to three hours, on most days. */
  readonly events?: {
    readonly weekdayHours: readonly [number, number];
    readonly weekendHours: readonly [number, number];
  };
}

/** How each type of building uses energy. The shapes are ours, after the campus's description of its types. */
export const loadShapes: Readonly<Record<BuildingType, LoadShape>> = {
  // High during classes; little in breaks and at weekends.
  academic: {
    weekday: [
      0.2, 0.19, 0.18, 0.18, 0.18, 0.2, 0.26, 0.4, 0.68, 0.92, 1, 1, 0.68, 0.92, 1, 0.97, 0.88, 0.7, 0.52, 0.42, 0.36,
      0.32, 0.27, 0.23,
    ],
    weekend: [
      0.19, 0.18, 0.18, 0.18, 0.18, 0.18, 0.18, 0.19, 0.21, 0.24, 0.27, 0.28, 0.28, 0.29, 0.29, 0.28, 0.27, 0.25, 0.24,
      0.23, 0.22, 0.21, 0.2, 0.19,
    ],
    breaks: { minutes: 10, share: 0.82, fromHour: 9, toHour: 17 },
  },
  // A peak in the evening, little by day when nobody is in.
  residential: {
    weekday: [
      0.42, 0.35, 0.3, 0.28, 0.28, 0.31, 0.43, 0.56, 0.48, 0.34, 0.29, 0.27, 0.28, 0.26, 0.26, 0.29, 0.38, 0.58, 0.86,
      0.98, 1, 0.96, 0.8, 0.58,
    ],
    weekend: [
      0.48, 0.4, 0.33, 0.3, 0.28, 0.28, 0.3, 0.36, 0.44, 0.48, 0.46, 0.43, 0.44, 0.41, 0.39, 0.4, 0.46, 0.6, 0.82, 0.93,
      0.95, 0.91, 0.78, 0.62,
    ],
  },
  // Office hours.
  administrative: {
    weekday: [
      0.14, 0.13, 0.13, 0.13, 0.13, 0.14, 0.18, 0.36, 0.8, 0.97, 1, 1, 0.84, 0.95, 1, 0.98, 0.88, 0.5, 0.27, 0.2, 0.18,
      0.16, 0.15, 0.14,
    ],
    weekend: [
      0.14, 0.13, 0.13, 0.13, 0.13, 0.13, 0.13, 0.14, 0.15, 0.16, 0.17, 0.17, 0.17, 0.17, 0.17, 0.16, 0.16, 0.15, 0.15,
      0.15, 0.14, 0.14, 0.14, 0.14,
    ],
  },
  // Low, but for events.
  athletic: {
    weekday: [
      0.15, 0.14, 0.14, 0.14, 0.15, 0.2, 0.3, 0.34, 0.3, 0.27, 0.26, 0.28, 0.32, 0.3, 0.27, 0.28, 0.34, 0.4, 0.42, 0.4,
      0.35, 0.28, 0.2, 0.16,
    ],
    weekend: [
      0.15, 0.14, 0.14, 0.14, 0.14, 0.15, 0.18, 0.22, 0.26, 0.3, 0.32, 0.33, 0.33, 0.33, 0.32, 0.32, 0.31, 0.3, 0.28,
      0.25, 0.22, 0.2, 0.18, 0.16,
    ],
    events: { weekdayHours: [16, 20], weekendHours: [10, 19] },
  },
  // Freezers, fume hoods and servers day and night; people add a little at midday.
  research: {
    weekday: [
      0.79, 0.79, 0.78, 0.78, 0.78, 0.79, 0.8, 0.83, 0.88, 0.93, 0.97, 0.99, 1, 1, 0.99, 0.97, 0.94, 0.91, 0.87, 0.85,
      0.83, 0.82, 0.81, 0.8,
    ],
    weekend: [
      0.78, 0.78, 0.77, 0.77, 0.77, 0.78, 0.78, 0.79, 0.81, 0.83, 0.85, 0.86, 0.87, 0.87, 0.86, 0.85, 0.84, 0.82, 0.81,
      0.8, 0.8, 0.79, 0.79, 0.78,
    ],
  },
  // Meals and workshops: three peaks with room between them in which it can supply others.
  support: {
    weekday: [
      0.24, 0.23, 0.23, 0.23, 0.26, 0.38, 0.6, 0.78, 0.66, 0.42, 0.4, 0.66, 0.95, 0.78, 0.42, 0.36, 0.48, 0.8, 1, 0.84,
      0.52, 0.38, 0.3, 0.26,
    ],
    weekend: [
      0.24, 0.23, 0.23, 0.23, 0.24, 0.28, 0.4, 0.58, 0.66, 0.5, 0.42, 0.62, 0.86, 0.74, 0.42, 0.34, 0.44, 0.74, 0.92,
      0.78, 0.5, 0.37, 0.3, 0.26,
    ],
  },
};
