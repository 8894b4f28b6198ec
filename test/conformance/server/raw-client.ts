import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { Judge, withoutSchemas } from '#ieee2030_5/judge/libxml.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { csipAusNamespace, readDocument, sepNamespace, type XmlElement } from '../xml.ts';

export const mediaType = 'application/sep+xml';

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** What was asked for, for messages. */
  readonly what: string;
}

export interface RawRequest {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The most documents whose verdict is remembered: a poll that finds nothing new costs no validation. */
const rememberedVerdicts = 2000;

/** Holds every document of the server against the XSDs, where they are there. */
export class SchemaCheck implements Disposable {
  readonly #judge = withoutSchemas === false ? Judge.of('csip-aus-1.3') : undefined;
  readonly #valid = new Set<string>();

  /** Throws where the document is not valid against sep.xsd and the CSIP-AUS extensions. */
  check(text: string, what: string): void {
    if (this.#judge === undefined || this.#valid.has(text)) return;
    const refusal = this.#judge.refusal(Buffer.from(text));
    assert.equal(refusal, undefined, `${what}: the schema refuses it: ${refusal}\n${text.slice(0, 2000)}`);
    if (this.#valid.size >= rememberedVerdicts) this.#valid.clear();
    this.#valid.add(text);
  }

  [Symbol.dispose](): void {
    this.#judge?.[Symbol.dispose]();
  }
}

/** LFDI and SFDI, computed here once more: IEEE 2030.5-2018 §6.3.3 and §6.3.4. */
export function identifiersOf(certificate: Uint8Array): { lfdi: string; sfdi: string } {
  const lfdi = createHash('sha256').update(certificate).digest('hex').slice(0, 40).toUpperCase();
  const digits = String(Number.parseInt(lfdi.slice(0, 9), 16));
  const sum = digits.split('').reduce((total, digit) => total + Number(digit), 0);
  return { lfdi, sfdi: `${digits}${(10 - (sum % 10)) % 10}` };
}

/** The device's own certificate, which stands first in a chain. */
export const leafOf = (chainPem: string): X509Certificate => new X509Certificate(chainPem);

/** A 2030.5 client that knows HTTP, TLS and XML, and nothing of our own code. */
export class RawClient implements Disposable {
  readonly lfdi: string;
  readonly sfdi: string;
  readonly #agent: Agent;
  readonly #port: number;
  readonly #schema: SchemaCheck;
  requests = 0;

  constructor(port: number, identity: DeviceIdentity, schema: SchemaCheck) {
    this.#port = port;
    this.#schema = schema;
    const { lfdi, sfdi } = identifiersOf(leafOf(identity.certificatePem).raw);
    this.lfdi = lfdi;
    this.sfdi = sfdi;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      cert: identity.certificatePem,
      key: identity.keyPem,
      ca: identity.caPem,
      // IEEE 2030.5-2018 §6.7: the one suite that every server has.
      ciphers: 'ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0',
      ecdhCurve: 'prime256v1',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      // Certificates of devices have no host names (§6.11).
      checkServerIdentity: () => undefined,
    });
  }

  /** The answer, whatever its status. Its document is held against the schema, and so is what it says was taken. */
  async ask(method: string, href: string, { body, headers = {} }: RawRequest = {}): Promise<RawResponse> {
    this.requests++;
    const { pathname, search } = new URL(href, 'https://server.invalid');
    const what = `${method} ${pathname}${search}`;
    const response = await new Promise<RawResponse>((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          agent: this.#agent,
          method,
          path: pathname + search,
          headers: {
            accept: mediaType,
            ...(body === undefined ? {} : { 'content-type': mediaType, 'content-length': Buffer.byteLength(body) }),
            ...headers,
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              text: Buffer.concat(chunks).toString(),
              what,
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
    if (response.text !== '' && response.headers['content-type']?.startsWith(mediaType) === true) {
      this.#schema.check(response.text, what);
    }
    // What a server takes is valid, or it would have to refuse it.
    if (body !== undefined && response.status < 300) this.#schema.check(body, `the body of ${what}`);
    return response;
  }

  /** The resource at an href, which must be there. */
  async get(href: string): Promise<XmlElement> {
    return documentOf(expectStatus(await this.ask('GET', href), 200));
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Elements of CSIP-AUS that are documents of their own. */
const csipAusRoots: readonly string[] = ['ConnectionPoint'];

/** The document of an answer, with the media type and the namespace of the standard. */
export function documentOf({ text, headers, what }: RawResponse): XmlElement {
  assert.match(headers['content-type'] ?? '', /^application\/sep\+xml\b/, `${what}: media type`);
  const root = readDocument(text);
  const namespace = csipAusRoots.includes(root.name) ? csipAusNamespace : sepNamespace;
  assert.equal(root.attributes['xmlns'], namespace, `${what}: namespace of ${root.name}`);
  return root;
}

export function expectStatus(response: RawResponse, ...statuses: readonly number[]): RawResponse {
  const { status, what, text } = response;
  assert.ok(
    statuses.includes(status),
    `${what}: expected ${statuses.join(' or ')}, got ${status} ${text.slice(0, 400)}`,
  );
  return response;
}

/** A refusal of what the client asked for: 4xx, and nothing of ours gone wrong. */
export function expectRefusal(response: RawResponse): RawResponse {
  const { status, what } = response;
  assert.ok(status >= 400 && status < 500, `${what}: expected a refusal (4xx), got ${status}`);
  return response;
}

/** Where an answer says that the resource is. */
export function locationOf({ headers, what }: RawResponse): string {
  const location = headers.location;
  assert.ok(location !== undefined && location !== '', `${what}: no Location`);
  return new URL(location, 'https://server.invalid').pathname;
}
