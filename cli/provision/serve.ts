import { reasonOf } from '#hal/errors.ts';
import { RevocationResponder } from '#provisioning/responder.ts';
import { type AuthorityFlags, openAuthority } from './authority.ts';

interface ServeFlags extends AuthorityFlags {
  readonly host: string;
  readonly port: number;
}

export async function serve(flags: ServeFlags): Promise<void> {
  const { host, port } = flags;
  await using opened = await openAuthority(flags);
  const { ca } = opened;
  // A wrong passphrase shows now, not at the first question.
  await ca.issuingAuthority();
  await using responder = new RevocationResponder(ca, { host, port, onError: tell });
  const at = await responder.start();
  process.stderr.write(`Revocation lists at http://${host}:${at}/crl/issuing.crl, OCSP at http://${host}:${at}/ocsp\n`);
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  await promise;
}

function tell(error: unknown): void {
  process.stderr.write(`${reasonOf(error)}\n`);
}
