import { GridError } from '#hal/errors.ts';
import { Listener } from '#head-end/gateway/listener.ts';
import type { RestConfig } from '#head-end/protocol.ts';
import type { HeadEndOptions } from '../head-end.ts';
import { pemIn } from '../pem-file.ts';

/**
 * How REST and the dashboard are listened on, checked before anything is made; undefined for plain HTTP on loopback.
 * Rejects with GTX-CLI-003 where one of the two files is missing, and as `Listener` throws.
 */
export async function restConfig({
  httpHost: host,
  tlsCert,
  tlsKey,
}: Pick<HeadEndOptions, 'httpHost' | 'tlsCert' | 'tlsKey'>): Promise<RestConfig | undefined> {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new GridError('GTX-CLI-003', 'TLS takes both --tls-cert and --tls-key', {
      kind: 'input',
      hint: '`gridtokenx provision issue --rest` makes both.',
    });
  }
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : { cert: await pemIn(tlsCert, '--tls-cert'), key: await pemIn(tlsKey, '--tls-key') };
  const { isLoopback } = new Listener(host, tls);
  if (tls !== undefined) return { host, tls };
  return isLoopback && host !== '127.0.0.1' ? { host } : undefined;
}
