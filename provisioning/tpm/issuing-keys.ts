import type { IssuingKeys } from '#hal/key-store.ts';
import { tpmAddressOf } from './tpm-address.ts';
import { TpmKeys } from './tpm-keys.ts';

/**
 * The issuing keys of an authority in the TPM that a person named, `/dev/tpmrm0` or `swtpm:HOST:PORT`. Whoever may use
 * that TPM may sign with them. Rejects with GTX-TPM-014 for what is no address, GTX-TPM-001 where no TPM answers.
 */
export async function openIssuingKeys(where: string): Promise<IssuingKeys & AsyncDisposable> {
  const keys = new TpmKeys(tpmAddressOf(where).port);
  await keys.start();
  return keys;
}
