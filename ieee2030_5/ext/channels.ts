import { mridOf } from '../identity.ts';

/**
 * What a board of ours posts, in this order: the channels of its MirrorUsagePoint. Cumulative registers are integer
 * Wh since installation, read at the end of the time period. Codes: IEEE 2030.5-2018, ReadingType. The head-end
 * tells the channels apart by their mRIDs; those of other makers' devices are stored, and mean nothing more to it.
 */
export const channelNames = [
  'gridImport',
  'gridExport',
  'generation',
  'consumption',
  'storageCharge',
  'storageDischarge',
  'losses',
  'storagePower',
  'stateOfCharge',
] as const;
export type ChannelName = (typeof channelNames)[number];

/** One value a channel; `undefined` where its device did not answer. */
export type ChannelValues = { readonly [C in ChannelName]: number | undefined };

export interface ChannelType {
  readonly description: string;
  /** AccumulationBehaviourType: 3 cumulative, 12 instantaneous. */
  readonly accumulationBehaviour: 3 | 12;
  /** FlowDirectionType: 1 forward (to the customer), 19 reverse, 0 not applicable. */
  readonly flowDirection: 0 | 1 | 19;
  /** UomType: 72 Wh, 38 W, 0 not applicable (a ratio, in percent). */
  readonly uom: 72 | 38 | 0;
  readonly powerOfTenMultiplier: number;
}

const register = (description: string, flowDirection: 1 | 19): ChannelType => ({
  description,
  accumulationBehaviour: 3,
  flowDirection,
  uom: 72,
  powerOfTenMultiplier: 0,
});

export const channelTypes: { readonly [C in ChannelName]: ChannelType } = {
  gridImport: register('Grid import', 1),
  gridExport: register('Grid export', 19),
  generation: register('PV generation', 19),
  consumption: register('Consumption', 1),
  storageCharge: register('Storage charge, DC', 1),
  storageDischarge: register('Storage discharge, DC', 19),
  losses: register('Storage conversion losses', 1),
  storagePower: {
    description: 'Storage power, out positive',
    accumulationBehaviour: 12,
    flowDirection: 19,
    uom: 38,
    powerOfTenMultiplier: 0,
  },
  stateOfCharge: {
    description: 'State of charge, percent',
    accumulationBehaviour: 12,
    flowDirection: 0,
    uom: 0,
    powerOfTenMultiplier: -2,
  },
};

/** The mRID of a channel's MirrorMeterReading: the same for the same meter, whatever its key. */
export const channelMrid = (meterId: string, channel: ChannelName): Uint8Array => mridOf(`${meterId}/${channel}`);
