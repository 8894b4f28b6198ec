import { verifyChain } from '#hal/hash-chain.ts';
import { readAuthority } from '#provisioning/authority-folder.ts';
import { logFolder } from '#provisioning/ca.ts';
import { issuanceLog } from '#provisioning/issuances.ts';

interface VerifyFlags {
  readonly ca: string;
  readonly head?: string;
  readonly json?: boolean;
}

export async function verifyLog({ ca, head, json }: VerifyFlags): Promise<void> {
  const { path } = await readAuthority(ca);
  const { seq, hash } = await verifyChain(logFolder(path), issuanceLog, head);
  process.stdout.write(
    json === true ? `${JSON.stringify({ entries: seq + 1, head: hash })}\n` : `${seq + 1} entries hold; head ${hash}\n`,
  );
}
