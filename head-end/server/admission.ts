import { deadline } from '#hal/wall.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { twinOf } from '#provisioning/certificate-twin.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import type { PeerCheck } from '#provisioning/peer-check.ts';
import { takesPart } from '../registry/device.ts';
import type { Device, DeviceChange, Registry } from '../registry/devices.ts';
import type { Connections } from './connections.ts';

export interface Refused {
  readonly ok: false;
  readonly reason: string;
  readonly detail: string;
}

const words = {
  retired: 'another certificate has taken its place',
  revoked: 'its certificate is revoked',
  quarantined: 'its device is in quarantine',
  removed: 'an operator removed its device',
  birth: 'it is the certificate that its board was born with, and no device is registered by it',
  altered: 'it is the certificate of a device here, with the other one of its two signatures',
} as const;

/**
 * What the registry has against a peer whose certificate holds; nothing against one of which it has never heard, but
 * for certificates that a board was born with, and for our own operational ones, which are good only while they are in
 * force or about to be.
 */
export function standingRefusal(
  answer: PeerCheck & { readonly ok: true },
  certificate: Uint8Array,
  registry: Pick<Registry, 'standingOf'>,
): Refused | undefined {
  const standing = registry.standingOf(answer.lfdi);
  if (standing === 'in-force' || standing === 'pending') return undefined;
  if (standing !== 'unknown') return { ok: false, reason: standing, detail: words[standing] };
  // Whom the registry refuses must not come back under the other LFDI that the same certificate has.
  const ofTwin = registry.standingOf(lfdiOf(twinOf(certificate)));
  if (ofTwin !== 'unknown') {
    const reason = ofTwin === 'in-force' || ofTwin === 'pending' ? 'altered' : ofTwin;
    return { ok: false, reason, detail: words.altered };
  }
  // Its board would come back by it though its operational certificate is refused.
  if (answer.policies.includes(policies.birth)) return { ok: false, reason: 'birth', detail: words.birth };
  if (!answer.policies.includes(policies.operational)) return undefined;
  return { ok: false, reason: 'retired', detail: words.retired };
}

/** A device may finish what it is saying when it has come with a new certificate; wall milliseconds. */
const graceMs = 3000;

/** Ends the connections of those whom the registry does not let in any more. */
export function endWithRegistry(registry: Registry, connections: Connections): Disposable {
  return registry.onChange(({ device, before }: DeviceChange) => {
    if (!takesPart(device)) connections.end(device.lfdi);
    const old = before?.lfdi;
    if (old !== undefined && old !== device.lfdi) deadline(graceMs, () => endRetired(old, registry, connections));
  });
}

/** Unless it has come into force again meanwhile. */
function endRetired(lfdi: Device['lfdi'], registry: Registry, connections: Connections): void {
  if (registry.standingOf(lfdi) !== 'in-force') connections.end(lfdi);
}
