import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { CertificateAuthority } from '#provisioning/ca.ts';
import type { Issuance, Issuances } from '#provisioning/issuances.ts';
import type { Device, Registry } from '../registry/devices.ts';
import type { SecurityLog } from '../security-log.ts';
import type { FlashList } from './flash-list.ts';

export interface ReissuedOptions {
  readonly authority: Pick<CertificateAuthority, 'issuances' | 'again'>;
  readonly registry: Pick<Registry, 'all' | 'standingOf' | 'offer'>;
  readonly flashList: Pick<FlashList, 'renewed'>;
  readonly securityLog: SecurityLog;
  /** The head-end's time. */
  readonly clockNow: () => UnixSeconds;
}

/**
 * Lets devices come with what `gridtokenx provision` has issued in place of their certificates, by `replace` or
 * `renew`: it comes into force when the device first comes with it. What it had stays in force until then, where it is
 * not revoked. Answers how many such there are that the registry had not heard of.
 */
export async function offerReissued(options: ReissuedOptions): Promise<number> {
  const { authority, registry, flashList, securityLog, clockNow } = options;
  const issued = await authority.issuances();
  let offered = 0;
  for (const [device, issuance] of newestFor(issued, registry.all())) {
    const { lfdi, number, notAfter, serial } = issuance;
    if (registry.standingOf(lfdi) !== 'unknown') continue;
    const certificate = { number, notAfter: UnixSeconds(notAfter) };
    await registry.offer(device.id, { lfdi, replaces: device.lfdi, certificate }, clockNow());
    const detail = { replaces: device.lfdi, lfdi, notAfter };
    await securityLog.record({ kind: 'renewal', actor: 'authority', subject: device.meterId, detail });
    // What a board is given that has lost its files.
    await flashList.renewed(serial, 'operational', { chain: authority.again(issuance).chainPem, lfdi });
    offered++;
  }
  return offered;
}

/** Of each device the newest certificate that leads, over others that it never came with, to the one it has. */
function newestFor(issued: Issuances, devices: readonly Device[]): Map<Device, Issuance> {
  const byLfdi = new Map(devices.map((device) => [device.lfdi, device]));
  const newest = new Map<Device, Issuance>();
  for (const issuance of issued.live(wallSeconds())) {
    if (byLfdi.has(issuance.lfdi)) continue;
    for (let old = issued.replacedBy(issuance); old !== undefined; old = issued.replacedBy(old)) {
      const device = byLfdi.get(old.lfdi);
      if (device === undefined) continue;
      // Whoever was shut out does not come back this way.
      if (old.revocation === undefined || old.revocation.reason === 'superseded') newest.set(device, issuance);
      break;
    }
  }
  return newest;
}
