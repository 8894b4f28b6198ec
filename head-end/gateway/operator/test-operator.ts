import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '#hal/log.ts';
import type { JsonObject } from '#ieee2030_5/json.ts';
import { FlashList } from '../../enrolment/flash-list.ts';
import { Containment } from '../../registry/containment.ts';
import { ExpiryWatch } from '../../registry/expiry-watch.ts';
import { Replacements } from '../../registry/replacements.ts';
import { RememberedSecurityLog } from '../../test-security-log.ts';
import { TestAccess } from '../../access/test-access.ts';
import { ExchangeLog } from '../../server/exchange-log.ts';
import { KnownAuthorities } from '../../server/known-authorities.ts';
import { TestServer } from '../../server/test-server.ts';
import { Gateway } from '../gateway.ts';
import { SampleSource, sampleSnapshot } from '../sample-campus.ts';

/** An answer's members, with those that many answers have; a test that reads one knows that it is there. */
export interface TestJson extends JsonObject {
  readonly id: string;
  readonly href: string;
  readonly mRID: string;
  readonly items: readonly TestJson[];
  /** Of a problem. */
  readonly code: string;
  readonly detail: string;
  /** Of an explanation. */
  readonly summary: string;
  readonly modes: readonly TestJson[];
  readonly source: TestJson;
  readonly sentence: string;
}

export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly json: TestJson;
}

/** The operators' interface on a real port over a real database, beside the 2030.5 side of the same head-end. */
export class TestOperator implements AsyncDisposable {
  readonly server: TestServer;
  readonly port: number;
  readonly exchanges: ExchangeLog;
  readonly authorities: KnownAuthorities;
  readonly source: SampleSource;
  readonly testAccess: TestAccess;
  /** An administrator's API key. */
  readonly key: string;
  /** The secret of the first administrator's link. */
  readonly firstLink: string | undefined;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    server: TestServer,
    parts: Pick<TestOperator, 'exchanges' | 'authorities' | 'source' | 'testAccess' | 'key' | 'firstLink'>,
    port: number,
    resources: AsyncDisposableStack,
  ) {
    this.server = server;
    this.exchanges = parts.exchanges;
    this.authorities = parts.authorities;
    this.source = parts.source;
    this.testAccess = parts.testAccess;
    this.key = parts.key;
    this.firstLink = parts.firstLink;
    this.port = port;
    this.#resources = resources;
  }

  /** `identity`: PEM texts of the head-end's roots and chain; it knows no authority unless told. */
  static async start(identity = { ca: '', cert: '' }): Promise<TestOperator> {
    await using starting = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-operator-'));
    starting.defer(() => rm(folder, { recursive: true, force: true }));
    const server = starting.use(await TestServer.start());
    const log = createLog('test', 'silent');
    const { clock } = server;
    const path = join(folder, 'exchanges.jsonl');
    const exchanges = starting.use(new ExchangeLog({ path, log, now: () => clock.now() }));
    const source = new SampleSource(sampleSnapshot());
    const authorities = new KnownAuthorities(identity, server.sep.records);
    const securityLog = new RememberedSecurityLog();
    const operator = () => {
      const { registry, readings, desk, sep } = server;
      const flashList = new FlashList(server.database.pool);
      const containment = new Containment({ clock, registry, desk, securityLog });
      const expiry = new ExpiryWatch({ registry, others: [], log });
      const replacements = new Replacements({ clock, registry, readings, securityLog });
      return { clock, registry, sep, exchanges, authorities, containment, replacements, expiry, flashList };
    };
    const testAccess = new TestAccess(server.database.pool);
    const { access } = testAccess;
    const { firstLink } = await access.start();
    const key = access.programs.keys.makeLocal('test', 'administrator');
    const gateway = starting.use(new Gateway({ port: 0, source, log, operator, access: () => access }));
    const { port } = await gateway.start();
    const parts = { exchanges, authorities, source, testAccess, key, firstLink };
    return new TestOperator(server, parts, port, starting.move());
  }

  /** As an administrator, unless other headers are given. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<TestReply> {
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isBytes || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = (text === '' ? {} : JSON.parse(text)) as TestJson;
    return { status: response.status, headers: response.headers, json };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
