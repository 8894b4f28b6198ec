import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { GridError } from '#hal/errors.ts';
import { delay } from '#hal/wall.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';

export interface Nginx extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

export interface NginxOptions {
  /** For its configuration and its own files. */
  readonly folder: string;
  readonly identity: DeviceIdentity;
  /** What it returns to every GET of /dcap. */
  readonly body: string;
  readonly cipher: string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return address.port;
}

/** One process, one cipher, client certificates of the same authority demanded, connections kept alive, no log. */
const configuration = (folder: string, port: number, { body, cipher }: NginxOptions): string => `
daemon off;
master_process off;
error_log stderr warn;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 512; }
http {
  access_log off;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${join(folder, of)};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${join(folder, 'server.pem')};
    ssl_certificate_key ${join(folder, 'server.key')};
    ssl_client_certificate ${join(folder, 'ca.pem')};
    ssl_verify_client on;
    ssl_verify_depth 4;
    ssl_protocols TLSv1.2;
    ssl_ciphers ${cipher}:@SECLEVEL=0;
    ssl_ecdh_curve prime256v1;
    ssl_prefer_server_ciphers on;
    location = /dcap {
      default_type ${mediaType};
      return 200 '${body.replaceAll("'", "\\'")}';
    }
  }
}
`;

const attempts = 100;
const attemptMs = 50;

/** nginx with `return 200`. Rejects with GTX-TST-021 when it does not start. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { folder, identity } = options;
  const port = await freePort();
  await Promise.all([
    writeFile(join(folder, 'server.pem'), identity.certificatePem),
    writeFile(join(folder, 'server.key'), identity.keyPem, { mode: 0o600 }),
    writeFile(join(folder, 'ca.pem'), identity.caPem),
    writeFile(join(folder, 'nginx.conf'), configuration(folder, port, options)),
  ]);
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit');
  for (let attempt = 0; !(await listens(port)); attempt++) {
    if (child.exitCode !== null || attempt === attempts) {
      child.kill('SIGKILL');
      throw new GridError('GTX-TST-021', `nginx does not start: ${said}`);
    }
    await delay(attemptMs);
  }
  return { pid: pidOf(child), port, [Symbol.asyncDispose]: () => end(child, ended) };
}

const pidOf = ({ pid }: ChildProcess): number => {
  if (pid === undefined) throw new GridError('GTX-TST-021', 'nginx has no process');
  return pid;
};

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  await ended;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
