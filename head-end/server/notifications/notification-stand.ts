import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '#hal/log.ts';
import type { Edition } from '#ieee2030_5/namespaces.ts';
import type { AnyResource, DERControl, Subscription } from '#ieee2030_5/types.generated.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import type { Device } from '../../registry/devices.ts';
import { KnownAuthorities } from '../known-authorities.ts';
import { sampleOf } from '../sample-documents.ts';
import { TestServer } from '../test-server.ts';
import { Notifier } from './notifier.ts';
import { type Received, TestListener } from './test-listener.ts';

export const day = 86_400;
export const origin = 'https://127.0.0.1:1';

export const resourceOf = (received: Received | undefined): AnyResource =>
  received?.notification.Resource ?? assert.fail('carries nothing');

export const byText = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);

/**
 * For tests: a server that notifies over mutual TLS, and subscribers with identities of their own. The server is the
 * suite's; device `alice`, her listener and the notifier are each test's (`begin`, `end`).
 */
export class NotificationStand implements AsyncDisposable {
  server!: TestServer;
  notifier!: Notifier;
  authorities!: KnownAuthorities;
  alice!: Device;
  /** Alice's. */
  listener!: TestListener;
  /** What every device speaks. */
  edition: Edition = '2018';
  readonly #resources = new AsyncDisposableStack();
  readonly #identities = new Map<string, DeviceIdentity>();
  #registered = 0;

  async start(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'gtx-ntf-'));
    this.#resources.defer(() => rmSync(folder, { recursive: true }));
    const ca = await CertificateAuthority.create(join(folder, 'ca'));
    const otherCa = await CertificateAuthority.create(join(folder, 'other-ca'));
    for (const name of ['server', 'alice', 'bob', 'carol', 'aggregator']) {
      const order = { ca, serial: name, hosts: ['127.0.0.1'] };
      this.#identities.set(name, await loadOrCreateIdentity(join(folder, name), order));
    }
    const foreign = await loadOrCreateIdentity(join(folder, 'foreign'), { ca: otherCa, serial: 'foreign' });
    this.#identities.set('foreign', { ...foreign, caPem: ca.rootPem });
    this.server = this.#resources.use(await TestServer.start());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async begin(): Promise<void> {
    this.edition = '2018';
    this.alice = await this.registerAs('alice');
    this.listener = await this.listen('alice');
    this.startNotifier();
  }

  async end(): Promise<void> {
    await this.notifier[Symbol.asyncDispose]();
    await this.listener[Symbol.asyncDispose]();
    const { registry, sep } = this.server;
    for (const { id } of registry.all()) await sep.removeDevice(id, { barred: false });
  }

  startNotifier(): void {
    const { clock, registry, sep, readings } = this.server;
    const { certificatePem: cert, keyPem: key, caPem: ca } = this.identityOf('server');
    this.authorities = new KnownAuthorities({ ca, cert }, sep.records);
    this.notifier = new Notifier({
      authorities: this.authorities,
      clock,
      registry,
      store: sep.store,
      records: sep.records,
      engine: sep.engine,
      readings,
      origin,
      log: createLog('test', 'silent'),
      identity: { cert, key, ca },
      editionOf: () => this.edition,
    });
    this.notifier.start();
    this.notifier.begin();
  }

  identityOf(name: string): DeviceIdentity {
    return this.#identities.get(name) ?? assert.fail(name);
  }

  registerAs(name: string, more: { aggregator?: number; isAggregator?: boolean } = {}): Promise<Device> {
    return this.server.device({ meterId: `${name}-${++this.#registered}`, lfdi: this.identityOf(name).lfdi, ...more });
  }

  async listen(name: string): Promise<TestListener> {
    const made = new TestListener(this.identityOf(name));
    await made.start();
    return made;
  }

  subscriptionTo(resource: string, more: Partial<Subscription> = {}): Subscription {
    return {
      subscribedResource: resource,
      notificationURI: this.listener.uri(),
      encoding: 0,
      level: '+S1',
      limit: 10,
      ...more,
    };
  }

  /** Answers the subscription's path. */
  async subscribe(
    resource: string,
    more: Partial<Subscription> = {},
    { as = this.alice, of = as }: { readonly as?: Device; readonly of?: Device } = {},
  ): Promise<string> {
    const document = this.subscriptionTo(resource, more);
    const { status, location } = await this.server.send(as, 'POST', `/edev/${of.id}/sub`, 'Subscription', document);
    assert.ok([201, 204].includes(status), String(status));
    return location ?? assert.fail();
  }

  control(key: string, startIn: number, duration: number, more: Partial<DERControl> = {}): DERControl {
    const now = this.server.clock.now();
    return {
      ...sampleOf('DERControl', key),
      creationTime: BigInt(now),
      interval: { start: BigInt(now + startIn), duration },
      ...more,
    };
  }

  async addControl(program: string, document: DERControl): Promise<string> {
    return (await this.server.sep.store.add(`${program}/derc`, 'DERControl', document)).href;
  }

  async subscriptionsOf(device: Device): Promise<readonly string[]> {
    const list = await this.server.document(device, `/edev/${device.id}/sub?l=255`, 'SubscriptionList');
    return (list.Subscription ?? []).map(({ href = '' }) => href);
  }

  /** Alice was told so often, and no more is under way. */
  async nothingMore(count: number): Promise<void> {
    await this.notifier.idle();
    assert.equal(this.listener.received.length, count);
  }

  statuses(): readonly number[] {
    return this.listener.received.map(({ notification }) => notification.status);
  }
}
