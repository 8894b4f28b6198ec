import type { UnixSeconds } from '#hal/units.ts';
import { never } from './certificates.ts';
import { policies } from './object-identifiers.ts';

const daySeconds = 86_400;

/** What a device certificate is for, and with it how long it lasts and by which policy it is known. */
export const profiles = {
  /** IEEE 2030.5's own: for foreign servers and third-party clients, one identity for ever. */
  device: { policies: [], days: undefined },
  /** The board itself, proved once when it is first started (IDevID, IEEE 802.1AR). */
  birth: { policies: [policies.birth], days: undefined },
  /** What TLS to our head-end uses; renewed before it expires (LDevID). */
  operational: { policies: [policies.operational], days: 90 },
} as const satisfies Readonly<
  Record<string, { readonly policies: readonly string[]; readonly days: number | undefined }>
>;

export type Profile = keyof typeof profiles;

export const isProfile = (name: string): name is Profile => Object.hasOwn(profiles, name);

/** The end of a certificate that begins now; `days` only for a profile that expires. */
export function notAfterOf(profile: Profile, now: UnixSeconds, days?: number): UnixSeconds {
  const lasts = profiles[profile].days;
  return lasts === undefined ? never : ((now + (days ?? lasts) * daySeconds) as UnixSeconds);
}

/** Whole days that are left; negative for an expired certificate, Infinity for one without expiry. */
export const daysLeft = (notAfter: number, now: UnixSeconds): number =>
  notAfter >= never ? Number.POSITIVE_INFINITY : Math.floor((notAfter - now) / daySeconds);

const renewWithDaysLeft = 30;

/**
 * Whether a certificate should be renewed now: from 30 days left, and one that lasts less than 90 days in all from a
 * third of its life.
 */
export function isRenewalDue(
  validity: { readonly notBefore: number; readonly notAfter: number },
  now: UnixSeconds,
): boolean {
  const { notBefore, notAfter } = validity;
  if (notAfter >= never) return false;
  return notAfter - now <= Math.min(renewWithDaysLeft * daySeconds, (notAfter - notBefore) / 3);
}

/** How near a certificate's end is; each level from so many days left. */
export const expiryLevels = ['fine', 'notice', 'warning', 'critical', 'expired'] as const;
export type ExpiryLevel = (typeof expiryLevels)[number];

/** `notice` from 30 days left, `warning` from 7, `critical` from 1, `expired` after its end. */
export function expiryLevel(notAfter: number, now: UnixSeconds): ExpiryLevel {
  const left = notAfter - now;
  if (notAfter >= never || left > 30 * daySeconds) return 'fine';
  if (left > 7 * daySeconds) return 'notice';
  if (left > daySeconds) return 'warning';
  return left >= 0 ? 'critical' : 'expired';
}
