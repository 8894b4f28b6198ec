import { spawn } from 'node:child_process';
import { deadline } from '#hal/wall.ts';

/** What openssl's client says of a server. */
export interface Verdict {
  /** The HTTP status of a request; undefined where there was no answer to it. */
  readonly status: number | undefined;
  /** The TLS alert that the server sent (RFC 5246 §7.2); undefined where it sent none. */
  readonly alert: number | undefined;
  readonly text: string;
}

/** TLS alerts by their names. */
export const alerts = { handshakeFailure: 40, protocolVersion: 70, noRenegotiation: 100 } as const;

const request = 'GET /dcap HTTP/1.1\r\nHost: server\r\nAccept: application/sep+xml\r\nConnection: close\r\n\r\n';
/** The longest that a verdict may take, ms. */
const patienceMs = 20_000;

/** Runs `openssl s_client` with a request on its input and reads what becomes of it. */
export async function askByOpenssl(port: number, args: readonly string[], input = request): Promise<Verdict> {
  const quiet = input === request ? ['-quiet'] : [];
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...quiet, ...args]);
  const texts: string[] = [];
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => texts.push(chunk.toString('latin1')));
  }
  // It may have gone before it reads what it was to send.
  child.stdin.on('error', () => undefined);
  child.stdin.write(input);
  using _patience = deadline(patienceMs, () => child.kill('SIGKILL'));
  await closed;
  const text = texts.join('');
  const numberIn = (pattern: RegExp): number | undefined => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  return { status: numberIn(/HTTP\/1\.1 (\d{3})/), alert: numberIn(/SSL alert number (\d+)/), text };
}
