import { GridError } from '#hal/errors.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';

/** Where a board's resources are, found by following links from the DeviceCapability. */
export interface Resources {
  readonly self: EndDevice;
  /** Server time minus the board's time, seconds. */
  readonly timeOffset: number;
  readonly mirrorUsagePoints: string;
  readonly requests: string | undefined;
  readonly responses: string | undefined;
  /** Our extension's OfferTerms list, where the server has it. */
  readonly offerTerms: string | undefined;
}

/** Something that a board needs and the server has no link to. */
export const missing = (what: string): GridError =>
  new GridError('GTX-SEP-004', `The server does not offer ${what} to this device`, {
    hint: 'Check that the device is registered at the head-end under this LFDI.',
  });
