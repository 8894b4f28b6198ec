import type { UnixSeconds } from '#hal/units.ts';
import { daysLeft, type ExpiryLevel, expiryLevel } from '#provisioning/validity.ts';
import type { Device } from './devices.ts';

/** How much it matters: `notice` from 30 days before the end of a certificate, `warning` from 7, `critical` from 1. */
export type NoticeLevel = 'notice' | 'warning' | 'critical';

/** What an operator should know of who a device is. */
export interface DeviceNotice {
  readonly level: NoticeLevel;
  readonly text: string;
}

const levels: Readonly<Record<ExpiryLevel, NoticeLevel | undefined>> = {
  fine: undefined,
  notice: 'notice',
  warning: 'warning',
  critical: 'critical',
  expired: 'critical',
};

/** The most pressing one at `now` (wall time); undefined where all is well. */
export function noticeOf(
  { quarantine, isRevoked, certificate }: Pick<Device, 'quarantine' | 'isRevoked' | 'certificate'>,
  now: UnixSeconds,
): DeviceNotice | undefined {
  if (quarantine !== undefined) return { level: 'critical', text: 'in quarantine' };
  if (isRevoked) return { level: 'critical', text: 'certificate revoked' };
  return certificate && expiryNotice(certificate.notAfter, now);
}

/** What is said of a certificate that ends at `notAfter`. */
export function expiryNotice(notAfter: number, now: UnixSeconds): DeviceNotice | undefined {
  const level = levels[expiryLevel(notAfter, now)];
  if (level === undefined) return undefined;
  const left = daysLeft(notAfter, now);
  const when = left < 0 ? 'has expired' : left === 0 ? 'ends today' : `ends in ${left} day${left === 1 ? '' : 's'}`;
  return { level, text: `certificate ${when}` };
}
