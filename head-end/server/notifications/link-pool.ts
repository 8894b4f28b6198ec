import { NotificationLink, type NotificationLinkOptions } from './notification-link.ts';

/** Connections that are kept; the one that was used longest ago is closed for one more. */
const maxLinks = 256;

/** The connections to subscribers. */
export class LinkPool implements AsyncDisposable {
  /** Least recently used first. */
  readonly #links = new Map<string, NotificationLink>();

  /** The connection of a subscriber, opened by its first request. */
  take(subscriber: string, options: NotificationLinkOptions): NotificationLink {
    const link = this.#links.get(subscriber) ?? new NotificationLink(options);
    this.#links.delete(subscriber);
    this.#links.set(subscriber, link);
    const [oldest] = this.#links.keys();
    if (this.#links.size > maxLinks && oldest !== undefined) {
      void this.#links.get(oldest)?.close();
      this.#links.delete(oldest);
    }
    return link;
  }

  /** Ends at once those at whose end somebody is who may not be told any more. */
  endRefused(): void {
    for (const [subscriber, link] of this.#links) {
      if (link.isWelcome()) continue;
      void link.destroy();
      this.#links.delete(subscriber);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.destroy()));
    this.#links.clear();
  }
}
