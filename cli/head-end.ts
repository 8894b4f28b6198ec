import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { PcrRule } from '#head-end/protocol.ts';
import { parsePort } from './campus/options.ts';

/** What `gridtokenx head-end` was asked to do, checked. */
export interface HeadEndOptions {
  readonly data: string;
  readonly ca: string;
  readonly host: string;
  readonly name?: readonly string[];
  readonly zone: string;
  readonly database: string | undefined;
  readonly sepPort: number;
  readonly httpPort: number;
  readonly httpHost: string;
  /** PEM files for REST and the dashboard over TLS. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** PEM file of the TPM makers whose boards may enrol. */
  readonly tpmMakers?: string;
  readonly pcr?: readonly PcrRule[];
  readonly refuseSoftwareKeys?: boolean;
  readonly enrolmentPort: number;
  readonly revocationPort: number;
  readonly passphraseFile?: string;
  /** The TPM that has the authority's issuing key. */
  readonly caTpm?: string;
}

/** `7=…`: a register of the SHA-256 bank and its 64 hex digits. */
function parsePcr(text: string): PcrRule {
  const [, index = '', digest = ''] = /^(\d{1,2})=([0-9a-fA-F]{64})$/.exec(text) ?? [];
  if (digest !== '' && Number(index) <= 23) return { index: Number(index), digest: digest.toLowerCase() };
  throw new InvalidArgumentError('a register is like 7=<64 hex digits>, from 0 to 23.');
}

const collectPcrs = (text: string, before: readonly PcrRule[] = []): PcrRule[] => [...before, parsePcr(text)];
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `gridtokenx head-end`: the head-end alone, for boards and clients that run elsewhere. */
export function headEndCommand(): Command {
  return new Command('head-end')
    .description(
      'Runs the head-end alone: IEEE 2030.5 server, operators’ REST, dashboard, market and ledger, in real time.\n' +
        'Devices are registered by REST (POST /api/v1/devices) or in band. Ctrl-C ends it; the next start goes on.',
    )
    .requiredOption('--ca <dir>', 'the authority that devices must come from (`gridtokenx provision ca init`)')
    .option('--data <dir>', 'folder for database, ledger and identity', 'data/head-end')
    .option('--host <address>', 'address that the IEEE 2030.5 server listens on', '127.0.0.1')
    .option(
      '--name <host>',
      'a name or address that devices reach it by, for its certificate; may be repeated',
      collect,
    )
    .option('--zone <name>', 'the market zone', 'campus')
    .option('--database <url>', 'use this PostgreSQL server instead of the embedded one')
    .option('--sep-port <port>', 'port of the IEEE 2030.5 server, 0 = any free one', parsePort, 8443)
    .option('--http-port <port>', 'port of REST and dashboard, 0 = any free one', parsePort, 8080)
    .option('--http-host <address>', 'address of REST and dashboard; beyond loopback with TLS only', '127.0.0.1')
    .option('--tls-cert <file>', 'REST and dashboard over TLS: PEM of the certificate and those above it')
    .option('--tls-key <file>', 'and of its key')
    .option('--tpm-makers <file>', 'boards with a TPM of these makers (PEM) may enrol, when they are on the list')
    .option(
      '--pcr <index=sha256>',
      'with --tpm-makers: what a register of their TPMs must hold; may be repeated',
      collectPcrs,
    )
    .option('--refuse-software-keys', 'refuse devices whose certificates say that their keys lie in files')
    .option('--enrolment-port <port>', 'with --tpm-makers: port of the enrolment service, 0 = any', parsePort, 8444)
    .option('--revocation-port <port>', 'port of revocation lists and OCSP, 0 = any free one', parsePort, 8081)
    .option('--passphrase-file <file>', "the passphrase of the authority's keys")
    .option(
      '--ca-tpm <where>',
      "the authority's issuing key is in this TPM, and nowhere else: /dev/tpmrm0, or swtpm:HOST:PORT",
    )
    .action(async (options: HeadEndOptions) => {
      const { runHeadEnd } = await import('./head-end/run.ts');
      await runHeadEnd({ ...options, data: resolve(options.data), ca: resolve(options.ca) });
    });
}
