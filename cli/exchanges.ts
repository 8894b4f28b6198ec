import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { request as httpsRequest } from 'node:https';
import { GridError, reasonOf } from '#hal/errors.ts';
import { type Exchange, parseExchanges } from '#head-end/server/exchange-record.ts';
import { type ReplayedAnswer, type ReplayedRequest, replay } from '#head-end/server/replay.ts';
import { RecordedServer } from '#head-end/server/replay-server.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { loadIdentity } from '#provisioning/identity-files.ts';
import { parsePort } from './campus/options.ts';
import { askHeadEnd, type HeadEndFlags, askingHeadEnd } from './operator.ts';
import { untilStopped } from './stop-signals.ts';

interface RecordOptions extends HeadEndFlags {
  readonly device?: readonly string[];
  readonly maxBytes: number;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `gridtokenx exchanges`: record what goes over the wire at a head-end, and replay it against either end. */
export function exchangesCommand(): Command {
  const exchanges = new Command('exchanges').description(
    'Records the IEEE 2030.5 exchanges of a head-end, without PINs and certificates, and replays them against a server\n' +
      '(replay) or a client (serve).',
  );
  askingHeadEnd(exchanges.command('record'))
    .description('Start recording, in the place of the record before.')
    .option('--device <id>', 'only this device; may be repeated', collect)
    .option('--max-bytes <n>', 'end the recording when it has so many bytes', Number, 10_000_000)
    .action(record);
  askingHeadEnd(exchanges.command('stop'))
    .description('End the recording; what was recorded stays.')
    .action(async (options: HeadEndFlags) => {
      await askHeadEnd(options, '/api/v1/exchanges/recording', { method: 'DELETE' });
    });
  askingHeadEnd(exchanges.command('get'))
    .description('Print the record, one JSON object a line.')
    .action(async (options: HeadEndFlags) => {
      const { body } = await askHeadEnd(options, '/api/v1/exchanges');
      for await (const chunk of body ?? []) process.stdout.write(chunk);
    });
  exchanges
    .command('replay <file>')
    .description('Send the recorded requests to a server and tell how its answers differ; exit code 1 where they do.')
    .requiredOption('--server <url>', 'the server, like https://127.0.0.1:8443')
    .requiredOption('--identity <dir>', 'the client’s device.pem, device.key and ca.pem (`provision issue`)')
    .action(replayFile);
  exchanges
    .command('serve <file>')
    .description('Answer a client from the record until Ctrl-C.')
    .requiredOption('--identity <dir>', 'the server’s device.pem, device.key and ca.pem')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 = any free one', parsePort, 8443)
    .action(serveFile);
  return exchanges;
}

async function record({ device, maxBytes, ...flags }: RecordOptions): Promise<void> {
  const body = JSON.stringify({ maxBytes, ...(device === undefined ? {} : { devices: device }) });
  const headers = { 'content-type': 'application/json' };
  await askHeadEnd(flags, '/api/v1/exchanges/recording', { method: 'PUT', headers, body });
}

async function replayFile(
  file: string,
  options: { readonly server: string; readonly identity: string },
): Promise<void> {
  const exchanges = await recordOf(file);
  const { certificatePem: cert, keyPem: key, caPem: ca } = await loadIdentity(options.identity);
  const tls = clientTls({ cert, key, ca }, { hostname: true });
  const send = (request: ReplayedRequest): Promise<ReplayedAnswer> =>
    new Promise((resolve, reject) => {
      const { method, url, headers, body } = request;
      const { 'content-length': _length, ...others } = headers;
      const sent = httpsRequest(new URL(url, options.server), { ...tls, method, headers: others }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      sent.on('error', (error) =>
        reject(new GridError('GTX-XCH-001', `${options.server} does not answer: ${reasonOf(error)}`, { cause: error })),
      );
      sent.end(body);
    });
  const differences = await replay(exchanges, send);
  for (const { exchange, request, place, recorded, answered } of differences) {
    process.stdout.write(`${exchange + 1}  ${request}  ${place}: recorded ${recorded}, answered ${answered}\n`);
  }
  process.stderr.write(`${exchanges.length} requests replayed, ${differences.length} differences\n`);
  if (differences.length > 0) {
    throw new GridError('GTX-XCH-002', `The server answers ${differences.length} times other than the record`, {
      hint: 'Each line above names the request and the place.',
    });
  }
}

async function serveFile(
  file: string,
  options: { readonly identity: string; readonly host: string; readonly port: number },
): Promise<void> {
  using stopping = untilStopped();
  const exchanges = await recordOf(file);
  const { certificatePem: cert, keyPem: key, caPem: ca } = await loadIdentity(options.identity);
  const { host, port } = options;
  await using server = new RecordedServer({ exchanges, host, port, tls: { cert, key, ca } });
  process.stderr.write(`${exchanges.length} exchanges served at https://${host}:${await server.start()}/dcap\n`);
  if (!stopping.signal.aborted) {
    await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}

async function recordOf(file: string): Promise<readonly Exchange[]> {
  try {
    return parseExchanges(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof GridError) throw error;
    throw new GridError('GTX-XCH-003', `Cannot read the record ${file}: ${reasonOf(error)}`, {
      kind: 'input',
      cause: error,
    });
  }
}
