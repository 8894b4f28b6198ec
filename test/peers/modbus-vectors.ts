/**
 * What other people's programs must find at the twins: addresses, types and values as the data sheets have them,
 * written by hand. Nothing here comes from the register maps.
 */
export interface Vector {
  readonly twin: string;
  readonly unit: number;
  /** 3 holding, 4 input. */
  readonly fn: 3 | 4;
  readonly at: number;
  /** `i32s`: int32, the low word first. */
  readonly as: 'u16' | 'i16' | 'u32' | 'i32' | 'i32s' | 'f32';
  /** What the registers hold: the value before the data sheet's scale. */
  readonly raw: number;
  /** The point that the twin is told to hold, and at what; a quantity in its unit. */
  readonly hold: readonly [point: string, value: number];
}

export const vectors: readonly Vector[] = [
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x00, as: 'f32', raw: 229.5, hold: ['voltageL1', 229.5] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x0a, as: 'f32', raw: 12.25, hold: ['currentL3', 12.25] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x0e, as: 'f32', raw: -750.5, hold: ['powerL2', -750.5] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x34, as: 'f32', raw: 1234.5, hold: ['power', 1234.5] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x46, as: 'f32', raw: 50.5, hold: ['frequency', 50.5] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x48, as: 'f32', raw: 4321.25, hold: ['energyImport', 4321.25] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x4a, as: 'f32', raw: 8.5, hold: ['energyExport', 8.5] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x160, as: 'f32', raw: 3.75, hold: ['energyExportL1', 3.75] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x14, as: 'f32', raw: 801.5, hold: ['apparentPowerL2', 801.5] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x18, as: 'f32', raw: -120.25, hold: ['reactivePowerL1', -120.25] },
  { twin: 'sdm630', unit: 1, fn: 4, at: 0x22, as: 'f32', raw: 0.75, hold: ['powerFactorL3', 0.75] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x00, as: 'f32', raw: 231.5, hold: ['voltage', 231.5] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x06, as: 'f32', raw: 6.5, hold: ['current', 6.5] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x0c, as: 'f32', raw: -2500.25, hold: ['power', -2500.25] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x12, as: 'f32', raw: 2600.5, hold: ['apparentPower', 2600.5] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x18, as: 'f32', raw: 300.75, hold: ['reactivePower', 300.75] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x1e, as: 'f32', raw: 0.875, hold: ['powerFactor', 0.875] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x46, as: 'f32', raw: 49.75, hold: ['frequency', 49.75] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x4a, as: 'f32', raw: 7.25, hold: ['energyExport', 7.25] },
  { twin: 'sdm120', unit: 2, fn: 4, at: 0x48, as: 'f32', raw: 99.5, hold: ['energyImport', 99.5] },
  { twin: 'em24', unit: 3, fn: 4, at: 0x00, as: 'i32s', raw: 2301, hold: ['voltageL1', 230.1] },
  { twin: 'em24', unit: 3, fn: 4, at: 0x0e, as: 'i32s', raw: 4321, hold: ['currentL2', 4.321] },
  { twin: 'em24', unit: 3, fn: 4, at: 0x28, as: 'i32s', raw: -123_456, hold: ['power', -12_345.6] },
  { twin: 'em24', unit: 3, fn: 4, at: 0x37, as: 'u16', raw: 499, hold: ['frequency', 49.9] },
  { twin: 'em24', unit: 3, fn: 4, at: 0x42, as: 'i32s', raw: 700_001, hold: ['energyImport', 70_000.1] },
  { twin: 'em24', unit: 3, fn: 4, at: 0x5c, as: 'i32s', raw: 12, hold: ['energyExport', 1.2] },
  { twin: 'em24-ethernet', unit: 4, fn: 4, at: 0x04, as: 'i32s', raw: 2299, hold: ['voltageL3', 229.9] },
  { twin: 'em24-ethernet', unit: 4, fn: 4, at: 0x0c, as: 'i32s', raw: 1001, hold: ['currentL1', 1.001] },
  { twin: 'em24-ethernet', unit: 4, fn: 4, at: 0x28, as: 'i32s', raw: 65_540, hold: ['power', 6554] },
  { twin: 'em24-ethernet', unit: 4, fn: 4, at: 0x33, as: 'u16', raw: 501, hold: ['frequency', 50.1] },
  { twin: 'em24-ethernet', unit: 4, fn: 4, at: 0x34, as: 'i32s', raw: 80_000, hold: ['energyImport', 8000] },
  { twin: 'em24-ethernet', unit: 4, fn: 4, at: 0x4e, as: 'i32s', raw: 5, hold: ['energyExport', 0.5] },
  { twin: 'victron-gx', unit: 100, fn: 4, at: 820, as: 'i16', raw: -1500, hold: ['powerL1', -1500] },
  { twin: 'victron-gx', unit: 100, fn: 4, at: 822, as: 'i16', raw: 333, hold: ['powerL3', 333] },
  { twin: 'victron-gx-pv', unit: 101, fn: 4, at: 808, as: 'u16', raw: 2750, hold: ['powerL1', -2750] },
  { twin: 'victron-grid', unit: 30, fn: 4, at: 2616, as: 'u16', raw: 2305, hold: ['voltageL1', 230.5] },
  { twin: 'victron-grid', unit: 30, fn: 4, at: 2617, as: 'i16', raw: -123, hold: ['currentL1', -12.3] },
  { twin: 'victron-grid', unit: 30, fn: 4, at: 2636, as: 'u32', raw: 70_001, hold: ['energyExport', 700.01] },
  { twin: 'victron-grid', unit: 30, fn: 4, at: 2644, as: 'u16', raw: 5_003, hold: ['frequency', 50.03] },
  { twin: 'victron-grid', unit: 30, fn: 4, at: 2634, as: 'u32', raw: 12_345_678, hold: ['energyImport', 123_456.78] },
  { twin: 'victron-grid', unit: 30, fn: 4, at: 2638, as: 'i32', raw: -40_000, hold: ['powerL1', -40_000] },
  { twin: 'adw300', unit: 5, fn: 3, at: 36, as: 'i32', raw: -98_765, hold: ['power', -98_765] },
  { twin: 'adw300', unit: 5, fn: 3, at: 62, as: 'u32', raw: 123_456, hold: ['energyImport', 1234.56] },
  { twin: 'adw300', unit: 5, fn: 3, at: 64, as: 'u32', raw: 77, hold: ['energyExport', 0.77] },
  // SunSpec: the marker is at 40000, model 1 from 40002 with 66 registers after its head, the next from 40070.
  { twin: 'sunspec-inverter-legacy', unit: 10, fn: 3, at: 40_070, as: 'u16', raw: 103, hold: ['103.W', 4200] },
  { twin: 'sunspec-inverter-legacy', unit: 10, fn: 3, at: 40_070 + 14, as: 'i16', raw: 4200, hold: ['103.W', 4200] },
  {
    twin: 'sunspec-inverter-legacy',
    unit: 10,
    fn: 3,
    at: 40_070 + 24,
    as: 'u32',
    raw: 9_876_543,
    hold: ['103.WH', 9_876_543],
  },
  { twin: 'sunspec-meter', unit: 200, fn: 3, at: 40_070, as: 'u16', raw: 203, hold: ['203.Hz', 50.02] },
  { twin: 'sunspec-meter', unit: 200, fn: 3, at: 40_070 + 16, as: 'i16', raw: 5002, hold: ['203.Hz', 50.02] },
  { twin: 'sunspec-meter', unit: 200, fn: 3, at: 40_070 + 46, as: 'u32', raw: 55_555, hold: ['203.TotWhImp', 55_555] },
  // Models 701 (155 registers with its head) and 702 (52), then 704 (67) from 40277.
  { twin: 'sunspec-inverter', unit: 11, fn: 3, at: 40_070, as: 'u16', raw: 701, hold: ['701.W', 4321] },
  { twin: 'sunspec-inverter', unit: 11, fn: 3, at: 40_070 + 10, as: 'i16', raw: 4321, hold: ['701.W', 4321] },
  { twin: 'sunspec-inverter', unit: 11, fn: 3, at: 40_070 + 17, as: 'u32', raw: 60_012, hold: ['701.Hz', 60.012] },
  // An energy of 64 bits: its low half.
  {
    twin: 'sunspec-inverter',
    unit: 11,
    fn: 3,
    at: 40_070 + 21,
    as: 'u32',
    raw: 123_456_789,
    hold: ['701.TotWhInj', 123_456_789],
  },
  { twin: 'sunspec-inverter', unit: 11, fn: 3, at: 40_277 + 15, as: 'u16', raw: 6_250, hold: ['704.WMaxLimPct', 62.5] },
  // A battery has 713 (9 registers with its head) behind 704.
  { twin: 'sunspec-battery', unit: 12, fn: 3, at: 40_070 + 10, as: 'i16', raw: -2_345, hold: ['701.W', -2_345] },
  { twin: 'sunspec-battery', unit: 12, fn: 3, at: 40_277 + 24, as: 'i32', raw: -1_500, hold: ['704.WSet', -1_500] },
  { twin: 'sunspec-battery', unit: 12, fn: 3, at: 40_344, as: 'u16', raw: 713, hold: ['713.SoC', 65.43] },
  { twin: 'sunspec-battery', unit: 12, fn: 3, at: 40_344 + 4, as: 'u16', raw: 6_543, hold: ['713.SoC', 65.43] },
  // 103 (52), 120 (28), 123 (26), 124 (26), 802.
  { twin: 'sunspec-battery-legacy', unit: 13, fn: 3, at: 40_070 + 14, as: 'i16', raw: -777, hold: ['103.W', -777] },
  { twin: 'sunspec-battery-legacy', unit: 13, fn: 3, at: 40_176, as: 'u16', raw: 124, hold: ['124.ChaState', 43.21] },
  {
    twin: 'sunspec-battery-legacy',
    unit: 13,
    fn: 3,
    at: 40_176 + 8,
    as: 'u16',
    raw: 4_321,
    hold: ['124.ChaState', 43.21],
  },
  {
    twin: 'sunspec-battery-legacy',
    unit: 13,
    fn: 3,
    at: 40_176 + 12,
    as: 'i16',
    raw: -2_550,
    hold: ['124.OutWRte', -25.5],
  },
  { twin: 'sunspec-battery-legacy', unit: 13, fn: 3, at: 40_202 + 11, as: 'u16', raw: 4_321, hold: ['802.SoC', 43.21] },
];
