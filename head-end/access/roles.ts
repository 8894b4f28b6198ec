/** Who a person or a program can be. */
export const roles = ['viewer', 'owner', 'operator', 'auditor', 'administrator'] as const;
export type Role = (typeof roles)[number];

/**
 * What a route may need of whoever asks.
 * - `open`: nothing
 * - `watch`: to see the live campus
 * - `building`: to see why a device has its limits, what it told and answered
 * - `read`: to see all that operators manage
 * - `operate`: to change it
 * - `audit`: to see who may do what, and what went over the wire
 * - `administer`: to say who may do what
 * - `self`: to be signed in, for what concerns only oneself
 */
export type Right = 'open' | 'watch' | 'building' | 'read' | 'operate' | 'audit' | 'administer' | 'self';

/** `all`, or `own`: only of one's own building. What is not there is denied. */
export type Grant = 'all' | 'own';

/** The one table of who may do what. */
const grants: Readonly<Record<Exclude<Right, 'open'>, Readonly<Partial<Record<Role, Grant>>>>> = {
  watch: { viewer: 'all', owner: 'own', operator: 'all', auditor: 'all', administrator: 'all' },
  building: { viewer: 'all', owner: 'own', operator: 'all', auditor: 'all', administrator: 'all' },
  read: { operator: 'all', auditor: 'all', administrator: 'all' },
  operate: { operator: 'all', administrator: 'all' },
  audit: { auditor: 'all', administrator: 'all' },
  administer: { administrator: 'all' },
  self: { viewer: 'all', owner: 'all', operator: 'all', auditor: 'all', administrator: 'all' },
};

/** How far a role has a right; undefined: not at all. */
export const grantOf = (right: Right, role: Role): Grant | undefined =>
  right === 'open' ? 'all' : grants[right][role];
