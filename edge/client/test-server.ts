import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';

/** Identities of one authority, gone with the test. */
export async function testIdentities(t: TestContext): Promise<(name: string) => Promise<DeviceIdentity>> {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-identities-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  return (name) =>
    loadOrCreateIdentity(join(folder, name), {
      ca,
      serial: name,
      ...(name === 'server' && { hosts: ['127.0.0.1'] }),
    });
}

export interface TestAnswer {
  readonly status: number;
  readonly body?: string;
  readonly location?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request, or with `undefined` breaks the connection off. */
export type TestHandler = (
  method: string,
  url: string,
  body: string,
  headers: IncomingHttpHeaders,
) => TestAnswer | undefined;

export const document = <N extends RootName>(name: N, value: Roots[N]): TestAnswer => ({
  status: 200,
  body: writeDocument(name, value),
});

/**
 * A 2030.5 server that says what a test tells it to; gone with the test. Answers its origin. `more`: what of TLS is to
 * be different.
 */
export async function startTestServer(
  t: TestContext,
  identity: DeviceIdentity,
  handler: TestHandler,
  more: TlsOptions = {},
): Promise<string> {
  const tls = serverTls({ cert: identity.certificatePem, key: identity.keyPem, ca: identity.caPem });
  const server = https.createServer({ ...tls, ...more }, (request, response) => {
    // A handler that fails fails the test that is running.
    void answer(request, response, handler);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answer(request: IncomingMessage, response: ServerResponse, handler: TestHandler): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = '', url = '' } = request;
  const answered = handler(method, url, Buffer.concat(chunks).toString(), request.headers);
  if (answered === undefined) {
    response.destroy();
    return;
  }
  const { status, body = '', location, headers } = answered;
  response.writeHead(status, { 'content-type': mediaType, ...headers, ...(location !== undefined && { location }) });
  response.end(body);
}
