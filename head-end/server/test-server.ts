import { phases } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, lfdiBytes, mridOf, parseLfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { parseDocument } from '#ieee2030_5/parse.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { MarketDesk } from '../market/desk.ts';
import { MarketStore } from '../market/store.ts';
import { ReadingStore } from '../readings/store.ts';
import { type Device, type Registration, Registry } from '../registry/devices.ts';
import type { Peer, Principal, SepResponse } from './exchange.ts';
import { refusalOf } from './refusals.ts';
import { SepResources } from './sep-resources.ts';

const ignore = (): void => undefined;

/** When the tests' clock begins: the start of a market window. */
export const testStart = UnixSeconds(1_782_000_000);

export interface TestAnswer extends SepResponse {
  /** As a client reads it: written, and parsed again. */
  readonly read?: { readonly name: RootName; readonly value: object };
}

export const testLfdi = (n: number): Lfdi => parseLfdi(n.toString(16).toUpperCase().padStart(40, '0'));

/** The server without its sockets: a database, a clock that the test moves, and requests of any principal. */
export class TestServer implements AsyncDisposable {
  readonly clock = new VirtualClock(testStart);
  readonly database: Database;
  registry: Registry;
  readings: ReadingStore;
  desk: MarketDesk;
  sep: SepResources;
  #devices = 0;

  private constructor(database: Database) {
    this.database = database;
    [this.registry, this.readings, this.desk, this.sep] = this.#made();
  }

  static async start(): Promise<TestServer> {
    const server = new TestServer(await startTestDatabase());
    await server.#load();
    return server;
  }

  /** As after a restart: everything is made anew from the database. */
  async restart(): Promise<void> {
    await this.#close();
    [this.registry, this.readings, this.desk, this.sep] = this.#made();
    await this.#load();
  }

  /** Registers one more device; a building of ours where it says so. */
  device(facts: Partial<Registration> = {}): Promise<Device> {
    const n = ++this.#devices;
    const lfdi = testLfdi(n);
    return this.registry.register({ meterId: facts.meterId ?? lfdi, lfdi, at: this.clock.now(), ...facts });
  }

  principal(device: Device): Principal {
    const known = this.registry.byId(device.id) ?? device;
    return { lfdi: known.lfdi, device: known, devices: this.registry.actingFor(known) };
  }

  /** Asks as a device, or as a certificate that is not registered. */
  async ask(who: Device | Lfdi, method: string, path: string, body = '', range?: string): Promise<TestAnswer> {
    const principal = typeof who === 'string' ? { lfdi: who, device: undefined, devices: [] } : this.principal(who);
    const [href = '', query = ''] = path.split('?');
    const peer: Peer = { edition: '2018' };
    const request = { principal, href, query, ids: [], method, peer, body: Buffer.from(body), range };
    try {
      const answer = await this.sep.engine.handle(request);
      return { ...answer, ...(answer.document !== undefined && { read: written(answer.document) }) };
    } catch (error) {
      const refusal = error instanceof GridError ? refusalOf(error) : undefined;
      if (refusal === undefined) throw error;
      return { status: refusal.status, read: { name: 'Error', value: { reasonCode: refusal.reasonCode } } };
    }
  }

  get(who: Device | Lfdi, path: string): Promise<TestAnswer> {
    return this.ask(who, 'GET', path);
  }

  /** The document at a path; throws when it is not 200 and of that name. */
  async document<N extends RootName>(who: Device | Lfdi, path: string, name: N): Promise<Roots[N]> {
    const { read, status } = await this.get(who, path);
    if (status !== 200 || read?.name !== name) throw new TypeError(`${path} is ${status} ${read?.name}, not ${name}`);
    return read.value as Roots[N];
  }

  send<N extends RootName>(who: Device | Lfdi, method: 'POST' | 'PUT', path: string, name: N, value: Roots[N]) {
    return this.ask(who, method, path, writeDocument(name, value));
  }

  /** A program with its assignment to some devices; answers its href. */
  async program(devices: readonly Device[], primacy = 1): Promise<string> {
    const name = `program ${primacy} of ${devices.map(({ id }) => id).join(', ')}`;
    const { href } = await this.sep.store.add('/derp', 'DERProgram', { mRID: mridOf(name), primacy });
    await this.assign(devices, { programs: [href.slice('/derp/'.length)] });
    return href;
  }

  assign(
    devices: readonly Device[],
    what: Partial<Record<'programs' | 'tariffs' | 'messagingPrograms' | 'demandResponsePrograms', readonly string[]>>,
  ): Promise<string> {
    const nothing = { programs: [], tariffs: [], messagingPrograms: [], demandResponsePrograms: [] };
    const of = { description: 'test', devices: devices.map(({ id }) => id) };
    return this.sep.records.add('assignment', { ...nothing, ...what, ...of });
  }

  /** Lets time pass; what is due runs. */
  async pass(seconds: number): Promise<void> {
    const until = UnixSeconds(this.clock.now() + seconds);
    await this.clock.runUntil({ time: until, phase: phases.length });
    this.clock.setNow(until);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await this.database[Symbol.asyncDispose]();
  }

  async #close(): Promise<void> {
    this.sep[Symbol.dispose]();
    await this.readings[Symbol.asyncDispose]();
  }

  #made(): [Registry, ReadingStore, MarketDesk, SepResources] {
    const { pool } = this.database;
    const { clock } = this;
    const registry = new Registry(this.database);
    const readings = new ReadingStore({ pool, log: createLog('test', 'silent') });
    const desk = new MarketDesk(clock, new MarketStore(pool), undefined, (meterId) => registry.takesPart(meterId));
    const sep = new SepResources({ pool, clock, registry, readings, desk, lfdi: testLfdi(0), onPosted: ignore });
    return [registry, readings, desk, sep];
  }

  async #load(): Promise<void> {
    await this.registry.start();
    await this.readings.start();
    await this.sep.start();
    this.sep.begin();
  }
}

const written = ({ name, value }: { name: RootName; value: object }): { name: RootName; value: object } => {
  const document = parseDocument(writeDocument(name, value as Roots[RootName]), { strict: true });
  return { name: document.name, value: document.value as object };
};

/** What an Error document says; undefined for any other answer. */
export const reasonOf = ({ read }: TestAnswer): number | undefined =>
  read?.name === 'Error' ? (read.value as Roots['Error']).reasonCode : undefined;

/** An EndDevice as a client posts it. */
export const endDeviceOf = (lfdi: Lfdi): Roots['EndDevice'] => ({
  lFDI: lfdiBytes(lfdi),
  sFDI: sfdiOf(lfdi),
  changedTime: BigInt(testStart),
});
