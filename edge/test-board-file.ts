import type { BoardFile } from './board-file.ts';

/** Of a building with clamps, an inverter and a battery, for tests, with what a test changes. */
export function testBoardFile(more: Partial<BoardFile> = {}): BoardFile {
  return {
    path: 'test.yaml',
    meterId: 'TEST_001',
    name: 'Test',
    building: 'residential',
    zone: 'campus',
    location: { latitude: 37, longitude: -122, timeZone: 'UTC' },
    connection: { importLimitW: 100_000, exportLimitW: 100_000 },
    hal: 'emulated',
    devices: testDevices,
    site: { peakLoadW: 10_000 },
    ...more,
  };
}

export const testDevices = {
  clamps: { driver: 'emontx', gridChannel: 1, loadChannel: 2 },
  inverter: { driver: 'sunspec-inverter', unit: 1, ratedW: 10_000 },
  battery: { driver: 'sunspec-battery', unit: 2, capacityWh: 80_000, ratedW: 5_000, reservePercent: 10 },
} as const satisfies BoardFile['devices'];
