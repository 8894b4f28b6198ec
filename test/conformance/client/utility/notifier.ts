import https from 'node:https';
import { mandatoryTls, type PemIdentity } from '../raw-server.ts';
import type { Resources } from './resources.ts';
import type { UtilitySubscription } from './state.ts';
import type { Utility } from './utility.ts';
import { document, field } from '../xml.ts';

/** Notification.status (IEEE 2030.5-2018, Table 11): what became of the subscription. */
export const notificationStatus = { default: 0, cancelled: 1, moved: 2, definitionChanged: 3, deleted: 4 } as const;

export interface SentNotification {
  readonly subscription: UtilitySubscription;
  readonly at: number;
  /** What the client answered; 0 where it did not. */
  readonly status: number;
}

/** The document's root as the element Resource of a Notification: its type goes to xsi:type. */
const asResource = (text: string): string => {
  const root = /<([A-Za-z]+)( [^>]*)>([\s\S]*)<\/\1>\s*$/.exec(text);
  if (root === null) throw new Error(`no root element in ${text.slice(0, 100)}`);
  const [, name, attributes = '', inner] = root;
  const own = attributes.replace(/ xmlns(?::\w+)?="[^"]*"/g, '');
  return `<Resource xsi:type="${name}"${own}>${inner}</Resource>`;
};

/** Tells the subscribers of what was changed: once a change and subscriber, over the client's own listener. */
export class Notifier {
  readonly #utility: Utility;
  readonly #resources: Resources;
  readonly #identity: PemIdentity;
  readonly #changed = new Set<string>();
  readonly sent: SentNotification[] = [];

  constructor(utility: Utility, resources: Resources, identity: PemIdentity) {
    this.#utility = utility;
    this.#resources = resources;
    this.#identity = identity;
    utility.onChange = (path) => void this.#changed.add(path);
  }

  /** Sends what is due; resolves when every subscriber has answered. */
  async flush(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const path of changed) {
      for (const subscription of this.#utility.subscriptions.filter(({ resource }) => resource === path)) {
        await this.notify(subscription);
      }
    }
  }

  /** Sends one Notification, with the resource where the subscription asks for it. */
  async notify(subscription: UtilitySubscription, status: number = notificationStatus.default): Promise<void> {
    const { id, device, resource, limit } = subscription;
    const lfdi = this.#utility.devices.find((other) => other.id === device)?.lfdi ?? this.#utility.active?.lfdi ?? '';
    const text = limit > 0 && status === 0 ? this.#resources.resource(resource, lfdi, limit) : undefined;
    const body = document(
      'Notification',
      {},
      field('subscribedResource', resource),
      text === undefined ? '' : asResource(text),
      field('status', status),
      field('subscriptionURI', `/edev/${device}/sub/${id}`),
    );
    const answered = await this.#post(subscription.notificationUri, body);
    this.sent.push({ subscription, at: this.#utility.now(), status: answered });
  }

  #post(uri: string, body: string): Promise<number> {
    const { certificatePem, keyPem, caPem } = this.#identity;
    return new Promise((resolve) => {
      const request = https.request(
        uri,
        {
          ...mandatoryTls,
          method: 'POST',
          cert: certificatePem,
          key: keyPem,
          ca: caPem,
          checkServerIdentity: () => undefined,
          agent: false,
          headers: { 'content-type': 'application/sep+xml', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        },
      );
      request.on('error', () => resolve(0));
      request.end(body);
    });
  }
}
