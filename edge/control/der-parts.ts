import type { DerState } from './der-documents.ts';

/**
 * What is told of each DER of a DERList that has room for `count`, in its order: PV and storage as one DER where there
 * is one place, else the PV inverter at the first and the storage at the second (IEEE 2030.5-2018 §10.10.4: a DER
 * instance a source). A board has no more than these two; further places are another's.
 */
export function derParts(state: DerState, count: number): readonly DerState[] {
  const { plant, grid, battery, outputW } = state;
  if (count < 2 || plant.inverter === undefined || plant.battery === undefined) return [state];
  const storageW = battery?.powerW ?? 0;
  return [
    {
      ...state,
      plant: { inverter: plant.inverter, battery: undefined },
      grid: { inverter: grid.inverter, battery: undefined },
      battery: undefined,
      outputW: outputW - storageW,
    },
    {
      ...state,
      plant: { inverter: undefined, battery: plant.battery },
      grid: { inverter: undefined, battery: grid.battery },
      outputW: storageW,
    },
  ];
}
