import type { GridError } from '#hal/errors.ts';
import { seedOf, uniform } from '#hal/random.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';
import { RefusedError } from './refused-error.ts';
import { unknownPatience } from './backoff.ts';
import { type Followed, itemsOf, type ListItem, pollRateOf } from './links.ts';

/** The instant of a resource that is not polled by itself, but with its parent or never again. */
const unscheduled = Number.POSITIVE_INFINITY;
/** Polls come up to this share of the rate, and up to so many seconds, before their time, so that boards spread. */
const jitterShare = 0.1;
const maxJitterSeconds = 30;
/** Polls that may come so much early come with a posting of readings: one waking of server and disk for both. */
const wakeSeconds = 15;
/** A subscribed resource is polled no more often than this, seconds: should a notification get lost. */
const subscribedPollSeconds = 3_600;

/** Absolute URLs that are kept. */
const maxResolved = 1_024;

/** One resource of the server as the client last saw it. */
export class ResourceNode {
  /** Absolute, as it was linked. */
  readonly url: string;
  readonly name: RootName;
  /** The resource that links to it. */
  readonly parent: ResourceNode | undefined;
  readonly isFixed: boolean;
  readonly without: string | undefined;
  /** Of a list all its items, of all pages; `undefined` before it was read. */
  document: object | undefined;
  /** As they came, a page each: an answer with the same bytes is the same document. */
  pages: readonly Uint8Array[] = [];
  /** What links within it are relative to. */
  base: string;
  /** Of a resource that came in one page. */
  etag: string | undefined;
  /** When it is read next; seconds. */
  due: number;
  /** In a row. */
  failures = 0;
  /** Why it was not read, the last time that it was asked for. */
  failure: GridError | undefined;
  isSubscribed = false;
  /** When it was read last. */
  readAt: UnixSeconds | undefined;
  readonly #seed: number;
  /** Every walk asks for the same ones. */
  #resolved = { base: '', urls: new Map<string, string>() };
  #grid: { readonly anchor: number; readonly rate: number; readonly step: number } | undefined;

  constructor(url: string, followed: Omit<Followed, 'href'>, parent: ResourceNode | undefined, seed: number) {
    this.url = url;
    this.base = url;
    this.name = followed.name;
    this.isFixed = followed.isFixed;
    this.without = followed.without;
    this.parent = parent;
    this.due = Number.NEGATIVE_INFINITY;
    this.#seed = seedOf(seed, new URL(url).pathname);
  }

  /** Whether it has no schedule of its own and is read whenever its parent is. */
  get isWithParent(): boolean {
    return !this.isFixed && pollRateOf(this.name, this.document) === undefined;
  }

  /** Links from the DeviceCapability. */
  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  get items(): readonly ListItem[] {
    return this.document === undefined ? [] : itemsOf(this.name, this.document);
  }

  /** An href within its document, as an absolute URL. */
  resolve(href: string): string {
    const isKept = this.#resolved.base === this.base && this.#resolved.urls.size < maxResolved;
    if (!isKept) this.#resolved = { base: this.base, urls: new Map() };
    const known = this.#resolved.urls.get(href);
    if (known !== undefined) return known;
    const url = new URL(href, this.base).href;
    this.#resolved.urls.set(href, url);
    return url;
  }

  /**
   * Sets the next poll after one that succeeded. Polls stay on the grid of the pollRate, whatever the jitter of each:
   * their mean rate is what the server asks for.
   */
  scheduleNext(now: UnixSeconds): void {
    this.failures = 0;
    this.failure = undefined;
    this.readAt = now;
    const told = this.isFixed ? undefined : pollRateOf(this.name, this.document);
    if (told === undefined) {
      this.due = unscheduled;
      return;
    }
    const rate = this.isSubscribed ? Math.max(told, subscribedPollSeconds) : told;
    const last = this.#grid?.rate === rate ? this.#grid : { anchor: now, rate, step: 0 };
    const step = Math.max(last.step + 1, Math.ceil((now + 1 - last.anchor) / rate));
    this.#grid = { anchor: last.anchor, rate, step };
    const most = Math.min(rate * jitterShare, maxJitterSeconds);
    const early = last.anchor + step * rate - Math.floor(uniform(this.#seed, step) * most);
    this.due = Math.max(now + 1, most < maxJitterSeconds ? early : early - (early % wakeSeconds));
  }

  /** The server has it no longer. Whether there was something to forget. */
  forget(): boolean {
    const isKnown = this.document !== undefined;
    this.document = undefined;
    this.pages = [];
    this.etag = undefined;
    return isKnown;
  }

  /** The server answers 401 or 403. */
  get isRefused(): boolean {
    return this.failure instanceof RefusedError && (this.failure.status === 401 || this.failure.status === 403);
  }

  /** How long a failure may keep it from being read, seconds: the pollRate that it goes by. */
  get patience(): number {
    const own = this.document === undefined ? undefined : pollRateOf(this.name, this.document);
    return own ?? this.parent?.patience ?? unknownPatience;
  }

  /** The server does not have it. */
  get isGone(): boolean {
    return this.failure instanceof RefusedError && (this.failure.status === 404 || this.failure.status === 410);
  }

  /** The server wants it left alone for a while; what it only does not have may be there with the next poll. */
  get isHeldBack(): boolean {
    return this.failure instanceof RefusedError && !this.isGone;
  }

  /** Sets the next try after a failure. */
  scheduleRetry(now: UnixSeconds, seconds: number, failure: GridError): void {
    this.failures++;
    this.failure = failure;
    this.due = now + seconds;
  }

  /** The seed of what is random about this resource. */
  get seed(): number {
    return this.#seed;
  }
}
