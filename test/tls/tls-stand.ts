import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { Connection } from '#edge/client/connection.ts';
import type { Database } from '#head-end/database/database.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import { MarketDesk } from '#head-end/market/desk.ts';
import { MarketStore } from '#head-end/market/store.ts';
import { ReadingStore } from '#head-end/readings/store.ts';
import { Registry } from '#head-end/registry/devices.ts';
import { KnownAuthorities } from '#head-end/server/known-authorities.ts';
import { SepResources } from '#head-end/server/sep-resources.ts';
import { SepServer, type SepServerOptions } from '#head-end/server/sep-server.ts';
import { channelMrid } from '#ieee2030_5/ext/channels.ts';
import { lfdiBytes, lfdiOf, mridOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import type { Issuer } from '#provisioning/certificates.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { certificatePem } from '#provisioning/pem.ts';
import { type TestRequest, testCertificate } from '#provisioning/test-chain.ts';

/** The head-end's time, which has nothing to do with that of certificates. */
export const now = UnixSeconds(1_782_000_000);

/** A line of the server's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly code?: string;
  readonly who?: string;
  readonly times?: number;
  readonly reason?: string;
}

/** What a peer shows of itself: PEM texts. */
export type Shown = Pick<DeviceIdentity, 'certificatePem' | 'keyPem'>;

type Limits = Pick<SepServerOptions, 'limits' | 'handshakeTimeoutMs' | 'onArrival'>;

/** What servers of one stand share. */
interface Ground {
  readonly folder: string;
  readonly authority: CertificateAuthority;
  /** The servers' own. */
  readonly identity: DeviceIdentity;
  readonly registry: Registry;
  readonly authorities: KnownAuthorities;
  readonly sep: SepResources;
}

type Refused = readonly [lfdi: string, code: string, from: string];

/** The running IEEE 2030.5 server with its authority, for tests that attack it by TLS. */
export class TlsStand implements AsyncDisposable {
  readonly server: SepServer;
  readonly port: number;
  readonly log: readonly LogLine[];
  /** Whose refusal the server has told: LFDI, code, address. */
  readonly refused: readonly Refused[];
  readonly #ground: Ground;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    ground: Ground,
    listening: Pick<TlsStand, 'server' | 'port' | 'log' | 'refused'>,
    resources: AsyncDisposableStack,
  ) {
    this.#ground = ground;
    this.#resources = resources;
    this.server = listening.server;
    this.port = listening.port;
    this.log = listening.log;
    this.refused = listening.refused;
  }

  static async open(limits: Limits = {}): Promise<TlsStand> {
    await using opening = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-tls-'));
    opening.defer(() => rm(folder, { recursive: true, force: true }));
    const authority = await CertificateAuthority.create(join(folder, 'ca'));
    const identity = await loadOrCreateIdentity(join(folder, 'head-end'), {
      ca: authority,
      serial: 'head-end',
      hosts: ['127.0.0.1'],
    });
    const { sep, registry } = await resourcesOf(opening, opening.use(await startTestDatabase()), identity);
    const authorities = new KnownAuthorities({ cert: identity.certificatePem, ca: identity.caPem }, sep.records);
    const ground = { folder, authority, identity, registry, authorities, sep };
    return await TlsStand.#serve(ground, limits, opening);
  }

  /** Another server on the same ground, with other limits; the first one has to outlast it. */
  async another(limits: Limits): Promise<TlsStand> {
    await using opening = new AsyncDisposableStack();
    return await TlsStand.#serve(this.#ground, limits, opening);
  }

  static async #serve(ground: Ground, limits: Limits, opening: AsyncDisposableStack): Promise<TlsStand> {
    const { identity, authorities, registry, sep } = ground;
    const log: LogLine[] = [];
    const refused: Refused[] = [];
    const server = opening.use(
      new SepServer({
        port: 0,
        host: '127.0.0.1',
        tls: { cert: identity.certificatePem, key: identity.keyPem, ca: identity.caPem },
        authorities,
        registry,
        engine: sep.engine,
        onUnavailable: () => undefined,
        onRefused: ({ lfdi, reason, from }) => void refused.push([lfdi, reason.split(':')[0] ?? '', from ?? '']),
        log: pino({ level: 'info' }, collector(log)),
        ...limits,
      }),
    );
    const port = await server.start();
    return new TlsStand(ground, { server, port, log, refused }, opening.move());
  }

  get folder(): string {
    return this.#ground.folder;
  }

  get authority(): CertificateAuthority {
    return this.#ground.authority;
  }

  get authorities(): KnownAuthorities {
    return this.#ground.authorities;
  }

  get registry(): Registry {
    return this.#ground.registry;
  }

  /** From now on any certificate of the authority may register itself. */
  async allowRegistration(): Promise<void> {
    await this.#ground.sep.settings.change({ inBandRegistration: true });
  }

  /** A registered device of the authority, with an identity as `provision issue` makes it. */
  async device(serial: string): Promise<DeviceIdentity> {
    const identity = await loadOrCreateIdentity(join(this.folder, serial), { ca: this.authority, serial });
    await this.registry.register({ ...place, meterId: serial, name: serial, lfdi: identity.lfdi });
    return identity;
  }

  /**
   * A registered device with a certificate of any kind, below an authority, the issuing one unless told. It shows
   * those above it that are given, else those of our own authority that stand above it.
   */
  async shown(serial: string, request: TestRequest = {}, issuer?: Issuer, above?: readonly Issuer[]): Promise<Shown> {
    const by = issuer ?? (await this.authority.issuingAuthority());
    const { certificate, keyPem } = await testCertificate({ ...lasting(), serial, ...request }, by);
    await this.registry.register({ ...place, meterId: serial, name: serial, lfdi: lfdiOf(certificate) });
    const chain = [certificate, ...(above?.map((one) => one.certificate) ?? this.#above(by))];
    return { certificatePem: chain.map(certificatePem).join(''), keyPem };
  }

  /** The policy authority and the issuing one, as far as they stand above what one of them issues. */
  #above({ certificate }: Issuer): Uint8Array[] {
    const { intermediates } = this.authority;
    const at = intermediates.findIndex((one) => Buffer.compare(one, certificate) === 0);
    return intermediates.slice(0, at + 1).toReversed();
  }

  /** A registered device that posts, as the board's own client does. */
  async poster(serial: string): Promise<Poster> {
    return Poster.open(new Connection(`https://127.0.0.1:${this.port}`, await this.device(serial)), serial, this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const place = { building: 'academic', zone: 'campus', ratedW: 1, storageWh: 0, at: now };

/** Valid now, for an hour: certificates are held against the wall clock. */
export const lasting = (): Pick<TestRequest, 'notBefore' | 'notAfter'> => ({
  notBefore: wallSeconds() - 3600,
  notAfter: wallSeconds() + 3600,
});

async function resourcesOf(resources: AsyncDisposableStack, database: Database, { lfdi }: DeviceIdentity) {
  const { pool } = database;
  const registry = new Registry(database);
  await registry.start();
  const readings = resources.use(new ReadingStore({ pool, log: pino({ level: 'silent' }) }));
  await readings.start();
  const clock = new VirtualClock(now);
  const desk = new MarketDesk(clock, new MarketStore(pool));
  const sep = new SepResources({ pool, clock, registry, readings, desk, lfdi, onPosted: () => undefined });
  resources.use(sep);
  await sep.start();
  return { sep, registry };
}

const collector = (lines: LogLine[]): Writable =>
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as LogLine);
      done();
    },
  });

/** Readings in half a day. */
const slots = 2880;

/** A device that posts readings, one after another, over one connection. */
export class Poster implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #meterId: string;
  readonly #href: string;
  #posted = 0;

  private constructor(connection: Connection, meterId: string, href: string) {
    this.#connection = connection;
    this.#meterId = meterId;
    this.#href = href;
  }

  static async open(connection: Connection, meterId: string, { registry }: TlsStand): Promise<Poster> {
    const device = registry.byMeterId(meterId);
    const { location } = await connection.post('/mup', 'MirrorUsagePoint', {
      mRID: mridOf(meterId),
      deviceLFDI: lfdiBytes(device!.lfdi),
      roleFlags: Uint8Array.of(0, 3),
      serviceCategoryKind: 0,
      status: 1,
      MirrorMeterReading: [
        {
          mRID: channelMrid(meterId, 'generation'),
          ReadingType: { uom: 72, flowDirection: 19, accumulationBehaviour: 3 },
        },
      ],
    });
    return new Poster(connection, meterId, location!);
  }

  get handshakes(): number {
    return this.#connection.handshakes;
  }

  /** Posts one reading; answers how long that took, in ms. */
  async post(): Promise<number> {
    // After so many it begins again, with the same values: readings of the future are not taken.
    const slot = this.#posted++ % slots;
    const start = BigInt(now - 15 * (slots - slot));
    const answer = await this.#connection.post(this.#href, 'MirrorMeterReading', {
      mRID: channelMrid(this.#meterId, 'generation'),
      Reading: { value: slot, timePeriod: { start, duration: 15 } },
    });
    return answer.elapsedMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
