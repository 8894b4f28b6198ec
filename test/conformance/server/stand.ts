import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { readLocalAccess } from '#head-end/access/local-access.ts';
import { HeadEnd } from '#head-end/head-end.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { Operator } from './operator.ts';
import { RawClient, SchemaCheck } from './raw-client.ts';

/** Where the tests' time begins: 2026-06-01T00:00:00Z. */
const start = UnixSeconds(1_780_272_000);
/** The head-end's own time moves in such steps where nothing else is due. */
const step = 15;

/** Where the head-end announces itself: on loopback, and at a port of the tests' own. */
export const announcement = { interface: '127.0.0.1', address: '224.0.0.251', port: 20_000 + (process.pid % 10_000) };

const announcing = {
  announce: {
    scopes: ['local'],
    address: '127.0.0.1',
    interface: announcement.interface,
    port: announcement.port,
  },
} as const;

interface Ports {
  readonly sepPort: number;
  readonly httpPort: number;
}

async function startHeadEnd(folder: string, at: UnixSeconds, wanted: Ports) {
  const failures: GridError[] = [];
  const headEnd = new HeadEnd((error) => failures.push(error));
  try {
    const ports = await headEnd.open({
      ...wanted,
      ...announcing,
      dataFolder: join(folder, 'data'),
      databaseUrl: undefined,
      identityFolder: join(folder, 'head-end'),
      devices: [],
      zone: 'conformance',
      site: { name: 'Conformance', timeZone: 'UTC' },
      speed: 'max',
      logLevel: 'silent',
    });
    await headEnd.begin({ start: at });
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    const key = (await readLocalAccess(join(folder, 'data')))?.key ?? '';
    return { headEnd, ports, key };
  } catch (error) {
    await headEnd[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * One head-end with an embedded database, on a clock that the tests move, for all server tests. Each test makes
 * devices of its own, with certificates of one authority.
 */
export class ServerStand implements AsyncDisposable {
  readonly operator: Operator;
  readonly authority: CertificateAuthority;
  readonly sepPort: number;
  #headEnd: HeadEnd;
  readonly #folder: string;
  readonly #resources: AsyncDisposableStack;
  readonly schema: SchemaCheck;
  readonly #ports: Ports;
  #now: number = start;
  #devices = 0;

  private constructor(parts: {
    readonly headEnd: HeadEnd;
    readonly authority: CertificateAuthority;
    readonly folder: string;
    readonly ports: Ports;
    readonly key: string;
    readonly resources: AsyncDisposableStack;
  }) {
    this.#headEnd = parts.headEnd;
    this.authority = parts.authority;
    this.#folder = parts.folder;
    this.sepPort = parts.ports.sepPort;
    this.operator = new Operator(parts.ports.httpPort, parts.key);
    this.#ports = parts.ports;
    this.#resources = parts.resources;
    this.#resources.defer(() => this.#headEnd[Symbol.asyncDispose]());
    this.schema = this.#resources.use(new SchemaCheck());
  }

  static async open(): Promise<ServerStand> {
    await using opening = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-conformance-'));
    opening.defer(() => rm(folder, { recursive: true, force: true }));
    // As root, the database's own user must be able to pass through.
    await chmod(folder, 0o711);
    const authority = await CertificateAuthority.create(join(folder, 'ca'));
    await loadOrCreateIdentity(join(folder, 'head-end'), { ca: authority, serial: 'head-end', hosts: ['127.0.0.1'] });
    const { headEnd, ports, key } = await startHeadEnd(folder, start, { sepPort: 0, httpPort: 0 });
    const stand = new ServerStand({ headEnd, authority, folder, ports, key, resources: opening.move() });
    await stand.operator.done('PATCH', '/settings', { inBandRegistration: true });
    return stand;
  }

  /** The head-end's time. */
  now(): number {
    return this.#now;
  }

  /** Moves time on by at least so many seconds, to where the head-end's own time stands then. */
  async advance(seconds: number): Promise<void> {
    const target = start + Math.ceil((this.#now + seconds - start) / step) * step;
    await this.#headEnd.runUntil({ time: target, phase: Number.MAX_SAFE_INTEGER });
    this.#now = target;
  }

  /** Ends the head-end and starts it again on what it has kept, at the same ports. */
  async restart(): Promise<void> {
    await this.#headEnd[Symbol.asyncDispose]();
    const { headEnd, key } = await startHeadEnd(this.#folder, UnixSeconds(this.#now), this.#ports);
    this.#headEnd = headEnd;
    this.operator.key = key;
  }

  /** A certificate of the authority that the head-end trusts. */
  async identity(kind = 'device'): Promise<DeviceIdentity> {
    const serial = `${kind}-${++this.#devices}`;
    return loadOrCreateIdentity(join(this.#folder, 'devices', serial), { ca: this.authority, serial });
  }

  client(identity: DeviceIdentity, port = this.sepPort): RawClient {
    return new RawClient(port, identity, this.schema);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
