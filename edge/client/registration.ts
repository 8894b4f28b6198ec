import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { bitmap } from '#ieee2030_5/bitmap.ts';
import { DeviceCategory } from '#ieee2030_5/enumerations-der.ts';
import { type Lfdi, lfdiBytes, type Pin, sfdiOf } from '#ieee2030_5/identity.ts';
import type { DeviceCategoryType, EndDevice, Registration } from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';
import type { ResourceNode } from './resource-node.ts';
import type { Walker } from './walker.ts';

/** A device that a client stands for: itself, or one of an aggregator's. */
export interface ManagedDevice {
  readonly lfdi: Lfdi;
  /** What its installer was given; without it a server's Registration is not checked. */
  readonly pin?: Pin | undefined;
  /** EndDevice.deviceCategory; controls for other categories are left aside. Default: a DER, and all controls. */
  readonly deviceCategory?: DeviceCategoryType | undefined;
  /** CSIP-AUS: its National Metering Identifier, told to the server as its ConnectionPoint. */
  readonly connectionPointId?: string | undefined;
}

/**
 * Where a device stands with its server. `absent` waits for its registration, out of band, or for the answer to its
 * own; `refused` has lost it; `wrong pin` may be another utility's server, and is not talked to any more.
 */
export type RegistrationState = 'unknown' | 'absent' | 'unchecked' | 'registered' | 'refused' | 'wrong pin';

/** Whether an EndDevice is ours to follow: the PIN tells that it is the server that the installer meant (§8.4). */
export function checkRegistration(
  { pin }: ManagedDevice,
  endDevice: EndDevice,
  registration: Registration | undefined,
): 'registered' | 'unchecked' | 'wrong pin' {
  if (pin === undefined || endDevice.RegistrationLink === undefined) return 'registered';
  if (registration === undefined) return 'unchecked';
  return registration.pIN === pin ? 'registered' : 'wrong pin';
}

/** The Registration of an EndDevice of a list, where it was read. */
export const registrationOf = (
  walker: Walker,
  list: ResourceNode,
  href: string | undefined,
): Registration | undefined => walker.linked(list, href)?.document as Registration | undefined;

export const wrongPin = (lfdi: Lfdi): GridError =>
  new GridError('GTX-SEP-008', `The server's registration PIN for ${lfdi} is not the one of this device`, {
    hint: 'Compare the PIN in the board file with the one that the utility gave; then start the board again.',
  });

/** Registers a device in band: POSTs its EndDevice to the server's list. Whether the server took it. */
export async function registerInBand(
  connection: Pick<Connection, 'post'>,
  listHref: string,
  device: ManagedDevice,
  now: UnixSeconds,
  log: Log,
): Promise<boolean> {
  const { lfdi, deviceCategory } = device;
  const document: EndDevice = {
    lFDI: lfdiBytes(lfdi),
    sFDI: sfdiOf(lfdi),
    changedTime: BigInt(now),
    deviceCategory: deviceCategory ?? bitmap(4, [DeviceCategory.virtualOrMixedDER]),
  };
  try {
    await connection.post(listHref, 'EndDevice', document);
    log.info({ lfdi }, 'registered at the server');
    return true;
  } catch (error) {
    if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
    log.warn({ lfdi, reason: error.describe() }, 'the server does not register the device');
    return false;
  }
}
