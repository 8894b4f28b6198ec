import { isIPv4 } from 'node:net';
import { TpmOverTcp } from '#hal/emulated/tpm-over-tcp.ts';
import { GridError } from '#hal/errors.ts';
import type { TpmPort } from '#hal/key-store.ts';
import { TpmDevice } from '#hal/linux/tpm.ts';

/** Where a board's TPM is. */
export interface TpmAddress {
  readonly port: TpmPort;
  /** How TLS finds it: a device, or `host:port` of an emulator. */
  readonly transport: string;
}

/** An emulator on a TCP port of an IPv4 address. */
export const emulatorAt = (host: string, port: number): TpmAddress => ({
  port: new TpmOverTcp(host, port),
  transport: `${host}:${port}`,
});

/** The TPM that a person named: `/dev/tpmrm0`, or `swtpm:HOST:PORT` for an emulator. Throws GTX-TPM-014. */
export function tpmAddressOf(text: string): TpmAddress {
  if (text.startsWith('/')) return { port: new TpmDevice(text), transport: text };
  const [, named = '', digits = ''] = /^swtpm:([^:]+):(\d{1,5})$/.exec(text) ?? [];
  const host = named === 'localhost' ? '127.0.0.1' : named;
  const port = Number(digits);
  if (isIPv4(host) && port > 0 && port <= 65_535) return emulatorAt(host, port);
  throw new GridError('GTX-TPM-014', `${text} is no address of a TPM`, {
    kind: 'input',
    hint: 'It is a device such as /dev/tpmrm0, or swtpm:127.0.0.1:2321 for an emulator.',
  });
}
