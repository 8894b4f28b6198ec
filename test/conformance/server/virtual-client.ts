import { randomBytes } from 'node:crypto';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { ClientContext, type Seen } from './context.ts';
import { NotificationServer } from './notification-server.ts';
import { identifiersOf, leafOf, type RawClient } from './raw-client.ts';
import type { ServerStand } from './stand.ts';

export type ClientKind = 'device' | 'aggregator';

/** What a client says of its inverter, W. */
export const setMaxW = 5000;

export const newMrid = (): string => randomBytes(16).toString('hex').toUpperCase();

/** A mirror that a client has posted: what it must repeat to update it. */
export interface PostedMirror {
  href: string;
  readonly mRID: string;
  /** mRID and scale by the reading type's name. */
  readonly readings: Map<string, { readonly mRID: string; readonly multiplier: number }>;
}

/**
 * A client of a procedure. A device is what its certificate says; an aggregator speaks with its certificate for a
 * device of another LFDI.
 */
export class VirtualClient implements AsyncDisposable {
  readonly stand: ServerStand;
  readonly kind: ClientKind;
  readonly raw: RawClient;
  /** Of the device that the client is about. */
  readonly lfdi: string;
  readonly sfdi: string;
  readonly pin = 111_115;
  readonly context = new ClientContext();
  readonly mirrors = new Map<string, PostedMirror>();
  /** hrefs of subscriptions by the procedure's name for them. */
  readonly subscriptions = new Map<string, { readonly href: string; readonly resource: Seen; readonly path: string }>();
  /** Statuses sent, by the DERControl's href. */
  readonly responses = new Map<string, number[]>();

  readonly #own: DeviceIdentity;
  #notifications: NotificationServer | undefined;

  private constructor(stand: ServerStand, kind: ClientKind, own: DeviceIdentity, device: DeviceIdentity) {
    this.stand = stand;
    this.kind = kind;
    this.raw = stand.client(own);
    this.#own = own;
    const { lfdi, sfdi } = identifiersOf(leafOf(device.certificatePem).raw);
    this.lfdi = lfdi;
    this.sfdi = sfdi;
  }

  static async make(stand: ServerStand, kind: ClientKind): Promise<VirtualClient> {
    const own = await stand.identity(kind);
    const device = kind === 'aggregator' ? await stand.identity('aggregated') : own;
    return new VirtualClient(stand, kind, own, device);
  }

  /** The EndDevice that the client is about, as it was discovered. */
  endDevice(): Seen | undefined {
    return this.context.all('EndDevice').find(({ element }) => element.value('lFDI')?.toUpperCase() === this.lfdi);
  }

  /** Where its notifications go: a server with the certificate that the client has. */
  async notifications(): Promise<NotificationServer> {
    if (this.#notifications === undefined) {
      this.#notifications = new NotificationServer(this.#own, this.stand.schema);
      await this.#notifications.start();
    }
    return this.#notifications;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.raw[Symbol.dispose]();
    await this.#notifications?.[Symbol.asyncDispose]();
  }
}
