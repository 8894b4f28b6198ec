import type { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { Notifier } from './utility/notifier.ts';
import { type PemIdentity, type RawAnswer, type RawRequest, RawServer } from './raw-server.ts';
import { isFirstPage, RequestLog } from './requests.ts';
import { Resources } from './utility/resources.ts';
import { Utility } from './utility/utility.ts';

/** Sees every request before and after it is answered. */
export type Observer = (request: RawRequest, isServed: boolean) => void;

/** A utility on the wire: its resources behind TLS, its notifications, and the log of what was asked. */
export class UtilityServer implements AsyncDisposable {
  readonly utility: Utility;
  readonly resources: Resources;
  readonly notifier: Notifier;
  readonly requests = new RequestLog();
  readonly server: RawServer;
  /** Of the procedure that runs. */
  observer: Observer = () => undefined;
  /** Answers in place of the resources where it answers at all: for redirects, refusals and faults. */
  override: (request: RawRequest) => RawAnswer | undefined = () => undefined;

  constructor(identity: PemIdentity, clock: VirtualClock) {
    this.utility = new Utility(() => clock.now());
    this.resources = new Resources(this.utility);
    this.notifier = new Notifier(this.utility, this.resources, identity);
    this.server = new RawServer(identity, (request) => this.#answer(request));
  }

  start(): Promise<void> {
    return this.server.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  /** Sees the body of every answer. */
  told: (body: string) => void = () => undefined;

  #answer(request: RawRequest): RawAnswer {
    const { utility } = this;
    // The outage that upstream recommends: every request is answered with 500.
    if (utility.isDown) return this.#logged(request, { status: 500 });
    this.observer(request, false);
    const alias = utility.aliases.get(request.path);
    const answer =
      this.override(request) ?? this.resources.answer(alias === undefined ? request : { ...request, path: alias });
    this.#logged(request, answer);
    this.told(answer.body ?? '');
    this.observer(request, true);
    return answer;
  }

  #logged(request: RawRequest, answer: RawAnswer): RawAnswer {
    const { method, path } = request;
    this.requests.add({
      at: this.utility.now(),
      method,
      path,
      isFirstPage: isFirstPage(request),
      status: answer.status,
    });
    return answer;
  }
}
