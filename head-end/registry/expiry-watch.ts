import { Gauge, Registry as Metrics } from 'prom-client';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { everyWall, wallSeconds } from '#hal/wall.ts';
import { never } from '#provisioning/certificates.ts';
import { type DeviceNotice, expiryNotice, noticeOf } from './device-notices.ts';
import type { Registry } from './devices.ts';

export interface ExpiryWatchOptions {
  readonly registry: Pick<Registry, 'all' | 'byMeterId'>;
  /** Certificates that are nobody's device's, such as the head-end's own, by name; `notAfter` in Unix seconds. */
  readonly others: readonly { readonly name: string; readonly notAfter: number }[];
  readonly log: Log;
  /** Wall time; the machine's unless told. */
  readonly now?: () => UnixSeconds;
}

/** Levels are days long. */
const lookEveryMs = 3_600_000;

/**
 * Watches how long the certificates last: a metric, a flag on the dashboard's row, and a line in the log at 30, 7 and 1
 * days before the end of one. A board renews its own at 30 days: who reads of 7 has something to mend.
 */
export class ExpiryWatch implements Disposable {
  readonly #options: ExpiryWatchOptions;
  readonly #metrics = new Metrics();
  /** The level that was told last, by name. */
  #told = new Map<string, string>();
  #timer: Disposable | undefined;

  constructor(options: ExpiryWatchOptions) {
    this.#options = options;
    const ends = (): readonly (readonly [string, number])[] => this.#ends();
    const metric = new Gauge({
      name: 'gridtokenx_certificate_not_after_seconds',
      help: 'When the certificate in force ends, Unix time; certificates without an end are left out',
      labelNames: ['holder'],
      registers: [this.#metrics],
      collect: () => {
        metric.reset();
        for (const [holder, notAfter] of ends()) metric.set({ holder }, notAfter);
      },
    });
  }

  start(): void {
    this.look();
    this.#timer = everyWall(lookEveryMs, () => this.look());
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  /** What is to be known of a device now. */
  noticeOf(meterId: string): DeviceNotice | undefined {
    const device = this.#options.registry.byMeterId(meterId);
    return device && noticeOf(device, this.#now());
  }

  /** In the text format of Prometheus. */
  metrics(): Promise<string> {
    return this.#metrics.metrics();
  }

  /** Tells the log of every certificate that has come to another level. */
  look(): void {
    const told = new Map<string, string>();
    for (const [holder, notAfter] of this.#ends()) {
      const notice = expiryNotice(notAfter, this.#now());
      if (notice === undefined) continue;
      told.set(holder, notice.level);
      if (this.#told.get(holder) === notice.level) continue;
      const facts = { holder, notAfter, level: notice.level };
      this.#options.log[notice.level === 'critical' ? 'error' : 'warn'](facts, notice.text);
    }
    this.#told = told;
  }

  #now(): UnixSeconds {
    return this.#options.now?.() ?? wallSeconds();
  }

  #ends(): readonly (readonly [string, number])[] {
    const { registry, others } = this.#options;
    const devices = registry
      .all()
      .flatMap(({ meterId, certificate }) =>
        certificate === undefined ? [] : [[meterId, certificate.notAfter] as const],
      );
    const all = [...others.map(({ name, notAfter }) => [name, notAfter] as const), ...devices];
    return all.filter(([, notAfter]) => notAfter < never);
  }
}
