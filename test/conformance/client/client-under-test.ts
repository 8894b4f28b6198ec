import { createLog } from '#hal/log.ts';
import { Connection } from '#edge/client/connection.ts';
import type { ManagedDevice } from '#edge/client/registration.ts';
import { Subscriptions } from '#edge/client/subscriptions.ts';
import { UtilityClient } from '#edge/client/utility-client.ts';
import { OutboxFile } from '#edge/outbox-file.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import type { ClientStand } from './stand.ts';
import { UnderTest } from './under-test.ts';

export interface ClientOptions {
  readonly stand: ClientStand;
  /** The devices it stands for; itself unless given. */
  readonly devices?: readonly ManagedDevice[] | undefined;
  readonly registration?: 'in band' | 'out of band' | undefined;
  /** With a listener for notifications. */
  readonly subscribes?: boolean | undefined;
  /** Path of the address that it was given; the well-known file and /dcap unless given. */
  readonly path?: string | undefined;
}

/** Devices behind an aggregator: the LFDI of the procedures before the digits of the enterprise. */
export const aggregated = (count: number): ManagedDevice[] =>
  Array.from({ length: count }, (_, i) => ({
    lfdi: `3E4F45AB31EDFE5B67E343E5E456${(0x2e31 + i).toString(16).toUpperCase()}00000000` as Lfdi,
  }));

/** The 2030.5 client alone, without devices to control: what it knows is read from it. */
export class ClientUnderTest extends UnderTest {
  client: UtilityClient | undefined;
  connection: Connection | undefined;
  readonly #options: ClientOptions;
  readonly #filePath: string;
  #running: AsyncDisposableStack | undefined;

  private constructor(options: ClientOptions, identity: DeviceIdentity, server: DeviceIdentity) {
    super(identity, server);
    this.#options = options;
    this.#filePath = options.stand.newFile('client.db');
  }

  static async open(options: ClientOptions): Promise<ClientUnderTest> {
    const { stand } = options;
    const made = new ClientUnderTest(options, await stand.identity('CONFORMANCE_001'), await stand.identity('server'));
    await made.start();
    return made;
  }

  async boot(): Promise<void> {
    const { devices, registration = 'out of band', subscribes = false, path = '' } = this.#options;
    const { lfdi } = this.identity;
    const { origin } = this.server.server;
    const log = createLog('conformance', 'silent');
    const running = new AsyncDisposableStack();
    const outboxFile = running.use(new OutboxFile(this.#filePath));
    const connection = running.use(new Connection(origin, this.identity, { checkHostName: false }));
    const listening = { identity: this.identity, host: '127.0.0.1', port: 0, log };
    const client = running.use(
      new UtilityClient({
        clock: this.clock,
        connection,
        serverUrl: origin + path,
        lfdi,
        devices: devices ?? [{ lfdi }],
        registration,
        outboxFile,
        board: 'CONFORMANCE_001',
        seed: 1,
        log,
        ...(subscribes && { subscriptions: new Subscriptions(listening) }),
      }),
    );
    await client.start();
    this.client = client;
    this.connection = connection;
    this.#running = running;
  }

  async shutDown(): Promise<void> {
    await this.#running?.disposeAsync();
    this.#running = undefined;
    this.client = undefined;
  }
}
