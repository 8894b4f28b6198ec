import type { Log } from '#hal/log.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';
import type { Device, Registration, Registry } from './devices.ts';

/** What a start does not bring back: an operator, or the authority, has decided otherwise meanwhile. */
const ended: ReadonlySet<string> = new Set(['removed', 'retired', 'revoked']);

/**
 * Registers a device as the configuration has it, unless its certificate has ended since: then it is told to the log,
 * and undefined. Rejects as `Registry.register`.
 */
export async function registerConfigured(
  registration: Registration,
  { registry, log }: { readonly registry: Registry; readonly log: Log },
): Promise<Device | undefined> {
  const { meterId } = registration;
  const lfdi = parseLfdi(registration.lfdi);
  const standing = registry.standingOf(lfdi);
  const holder = await registry.holderOf(lfdi);
  // Those whose certificates end are not kept in memory: the database knows that another has taken their place.
  const isOver = ended.has(standing) || (holder?.meterId === meterId && holder.isOver);
  if (!isOver) return registry.register(registration);
  const now = registry.byMeterId(meterId)?.lfdi;
  log.warn(
    { meterId, lfdi, standing, now },
    'a device of the configuration is not registered: its certificate has ended',
  );
  return undefined;
}
