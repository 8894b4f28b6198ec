import { GridError } from '#hal/errors.ts';
import type { KeyRole } from '#hal/key-store.ts';
import { type DeviceIdentity, loadIdentity } from '#provisioning/identity-files.ts';
import type { TpmSignatures } from '#provisioning/tpm/provider/provider.ts';
import { renewed } from './renewal.ts';
import type { TpmIdentities } from './tpm-identities.ts';

/** Where a board keeps what it proves itself with. */
export interface IdentityStore {
  /** The one to use. */
  load(): Promise<DeviceIdentity>;
  /** Renews it at a head-end's 2030.5 server when it is due. Rejects as `renewed` does. */
  renew(origin: string): Promise<void>;
  /** What the TPM signed for TLS, where the key is in one. */
  tpmSignatures?(): TpmSignatures;
}

/** Key and certificates in a folder; it loads as `loadIdentity` does. */
export const identityInFiles = (folder: string): IdentityStore => ({
  load: () => loadIdentity(folder),
  renew: async (origin) => void (await renewed(await loadIdentity(folder), { origin, folder })),
});

/**
 * An identity of a TPM: the operational one, or the one that the board was born with, which is never renewed. It loads as
 * `TpmIdentities.start` and `load` do, so also from a TPM that answers late, and with GTX-ENC-005 before the enrolment.
 */
export const identityInTpm = (identities: TpmIdentities, role: KeyRole = 'operational'): IdentityStore => ({
  load: async () => {
    await identities.start();
    const identity = await identities.load(role);
    if (identity !== undefined) return identity;
    const folder = identities.folderOf(role);
    throw new GridError(
      'GTX-ENC-005',
      `The board of ${identities.keys.name} is not enrolled: ${folder} has no certificate`,
      {
        kind: 'input',
        hint: '`gridtokenx provision enrol` enrols it; the folder is the one that it was told by --out.',
      },
    );
  },
  renew: async (origin) => {
    if (role === 'operational') await identities.renew(origin);
  },
  tpmSignatures: () => identities.signatures,
});
