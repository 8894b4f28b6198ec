import type { Clock } from '#hal/clock.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { MarketDesk } from '../market/desk.ts';
import type { Registry } from '../registry/devices.ts';
import type { ResourceStore } from './resource-store.ts';

export interface ReservationTimerOptions {
  readonly clock: Clock;
  readonly store: ResourceStore;
  readonly desk: MarketDesk;
  readonly registry: Registry;
}

/** Tells of flow reservations that are asked for, granted, and begin with their window: their lists have changed. */
export class ReservationTimer implements Disposable {
  readonly #options: ReservationTimerOptions;
  readonly #handles = new DisposableStack();

  constructor(options: ReservationTimerOptions) {
    this.#options = options;
    this.#handles.use(options.desk.onChange((meterId) => this.#announce(meterId, 'frq', 'frp')));
  }

  /** Time has begun. */
  start(): void {
    const { clock, desk, registry } = this.#options;
    const schedule = { name: 'reservations', period: WINDOW_SECONDS, phase: 'open' } as const;
    const turn = (now: number): void => {
      for (const { meterId } of registry.all()) {
        if (desk.allocationsOf(meterId).some(({ window }) => window === now)) this.#announce(meterId, 'frp');
      }
    };
    this.#handles.use(clock.every(schedule, turn));
  }

  [Symbol.dispose](): void {
    this.#handles.dispose();
  }

  #announce(meterId: string, ...lists: readonly string[]): void {
    const { registry, store } = this.#options;
    const id = registry.byMeterId(meterId)?.id;
    if (id === undefined) return;
    for (const list of lists) store.announce({ href: `/edev/${id}/${list}`, list: undefined, kind: 'changed' });
  }
}
