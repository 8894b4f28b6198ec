import { existsSync } from 'node:fs';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { join, resolve } from 'node:path';
import { SoftwareKeys } from '#hal/emulated/software-keys.ts';
import type { ReportSigner } from '#edge/commissioning/signed-report.ts';
import { identityFiles, loadIdentity } from '#provisioning/identity-files.ts';
import { certificatesOf } from '#provisioning/pem.ts';

export interface SignerFlags {
  readonly data: string;
  readonly identity?: string;
  readonly tpm?: string;
}

/** Where a board that has no identity yet keeps the key that it signs reports with. */
const reportKeys = 'report-keys';

/**
 * The key that a report is signed with: the TPM's where one is named; else that of the board's identity; else a key of
 * its own, which no certificate speaks for. Rejects as `TpmIdentities` and `loadIdentity` do.
 */
export async function signerFor(
  { data, identity, tpm }: SignerFlags,
  cleanup: AsyncDisposableStack,
): Promise<ReportSigner> {
  const folder = resolve(identity ?? join(data, 'identity'));
  if (tpm !== undefined) return signerInTpm(tpm, folder, cleanup);
  if (identity !== undefined || existsSync(join(folder, identityFiles.key))) return signerInFiles(folder);
  const keys = cleanup.use(new SoftwareKeys(resolve(data, reportKeys)));
  await keys.start();
  return { key: await keys.signingKey('birth'), chain: [] };
}

async function signerInFiles(folder: string): Promise<ReportSigner> {
  const { keyPem, certificatePem } = await loadIdentity(folder);
  const privateKey = createPrivateKey(keyPem);
  const key = {
    publicKey: createPublicKey(privateKey),
    sign: (message: Uint8Array) =>
      Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
  return { key, chain: certificatesOf(certificatePem) };
}

async function signerInTpm(tpm: string, folder: string, cleanup: AsyncDisposableStack): Promise<ReportSigner> {
  // Boards with keys in files need none of it.
  const [{ tpmAddressOf }, { TpmIdentities }] = await Promise.all([
    import('#provisioning/tpm/tpm-address.ts'),
    import('#edge/identity/tpm-identities.ts'),
  ]);
  const identities = cleanup.use(new TpmIdentities(tpmAddressOf(tpm), folder));
  await identities.start();
  const identity = await identities.load('operational');
  const chain = identity === undefined ? [] : certificatesOf(identity.certificatePem);
  return { key: await identities.keys.signingKey('operational'), chain };
}
