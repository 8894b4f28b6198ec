import type { ClientProcedure, ClientStep } from '../procedure.ts';
import { act, type Stage } from './actions.ts';
import { type Evidence, faultsOf, variablesOf } from './checks.ts';
import { Given } from './given.ts';
import type { RawRequest } from './raw-server.ts';
import { isFirstPage, matches, type RequestLog } from './requests.ts';
import type { Notifier } from './utility/notifier.ts';
import type { Utility } from './utility/utility.ts';

/** What a person does at the site while a procedure runs; tells when a step begins and what it waits to see. */
export interface Hands {
  /** Whether the site is as the instructions of the preconditions ask for. */
  readonly isReady?: () => boolean;
  /** Called once when a step becomes active. */
  readonly stepBegins?: (step: string) => void;
  /** Whether a `proceed` step may go on before its time is up. */
  readonly mayProceed?: (step: string) => boolean;
  /** Called every second of the test proper. */
  readonly second?: (now: number, sinceStart: number) => void;
  /** What was seen at the site that should not be. */
  readonly faults?: () => readonly string[];
}

export interface ProcedureContext {
  readonly utility: Utility;
  readonly requests: RequestLog;
  readonly notifier: Notifier;
  readonly clientLfdi: string;
  readonly hands: Hands;
}

interface Listener {
  readonly name: string;
  readonly step: ClientStep;
  enabledAt: number | undefined;
}

/** Polls come a little before or after their time: what is due at the end may still come. */
const graceSeconds = 10;
/** Longest preparation, seconds: a client that polls every hour registers within it. */
const longestPreparation = 4 * 3600;

/**
 * One run of a procedure: its steps wait for what the client does or for time to pass, act on the utility, and at
 * the end its criteria are held against what the client told. All within the present moment of the clock.
 */
export class ProcedureRun {
  readonly #procedure: ClientProcedure;
  readonly #context: ProcedureContext;
  readonly #listeners: Listener[];
  readonly #evidence: Evidence;
  readonly #stage: Stage;
  readonly #tags = new Map<string, string>();
  readonly #begunAt: number;
  #startedAt: number | undefined;
  #failure: string | undefined;
  #finished = false;
  /** When the criteria are looked at. */
  #finishAt = Infinity;

  constructor(procedure: ClientProcedure, context: ProcedureContext) {
    const { utility, requests, notifier, clientLfdi } = context;
    this.#procedure = procedure;
    this.#context = context;
    this.#begunAt = utility.now();
    this.#listeners = Object.entries(procedure.steps).map(([name, step]) => ({ name, step, enabledAt: undefined }));
    this.#evidence = {
      utility,
      requests,
      notifier,
      tags: this.#tags,
      openSteps: () => this.#listeners.map(({ name }) => name),
      startedAt: () => this.#startedAt ?? this.#begunAt,
    };
    this.#stage = {
      utility,
      clientLfdi,
      tags: this.#tags,
      variables: variablesOf({ utility }),
      enable: (steps) => this.#enable(steps),
      remove: (steps) => {
        for (const step of steps) this.#listeners.splice(this.#indexOf(step), 1);
      },
      finish: (failure) => {
        this.#failure ??= failure;
        this.#finishAt = Math.min(this.#finishAt, utility.now() + graceSeconds);
      },
    };
  }

  /** Prepares the utility; the client begins after this. */
  begin(): void {
    const { preconditions } = this.#procedure;
    for (const action of preconditions.init_actions ?? []) act(action, this.#stage);
    if (preconditions.immediate_start === true) this.#start();
  }

  get isOver(): boolean {
    return this.#finished;
  }

  get isStarted(): boolean {
    return this.#startedAt !== undefined;
  }

  /** A request of the client, before (`isServed` false) and after it was answered; at most one step takes it. */
  request({ method, path, query, headers, body, lfdi }: RawRequest, isServed: boolean): void {
    if (this.#startedAt === undefined || this.#finishAt < Infinity) return;
    if (!isFirstPage({ method, path, query, headers, body, lfdi })) return;
    for (const listener of this.#listeners.slice()) {
      const { event } = listener.step;
      if (listener.enabledAt === undefined || event.type !== `${method}-request-received`) continue;
      const given = this.#given(event.parameters);
      if (!matches(path, given.required(given.text('endpoint'), 'endpoint'))) continue;
      if ((given.flag('serve_request_first') ?? false) !== isServed) continue;
      if (this.#trigger(listener)) return;
    }
  }

  /** What the second brings: the start, waits that are over, and the end. */
  second(): void {
    const { utility, hands } = this.#context;
    const now = utility.now();
    if (this.#finished) return;
    if (this.#startedAt === undefined) {
      if (this.#isPrepared()) this.#start();
      else if (now - this.#begunAt > longestPreparation) this.#fail(`not prepared: ${this.#unprepared().join('; ')}`);
      return;
    }
    hands.second?.(now, now - this.#startedAt);
    if (now >= this.#finishAt) this.#finished = true;
    if (this.#finishAt < Infinity) return;
    for (const listener of this.#listeners.slice()) if (this.#isDue(listener, now)) this.#trigger(listener);
    if (this.#listeners.length === 0 && this.faults().length === 0) this.#finished = true;
    if (!this.#finished && now - this.#startedAt > this.#longest()) {
      this.#finished = true;
    }
  }

  /** What does not hold at the end: nothing where the test has passed. */
  faults(): string[] {
    const { criteria } = this.#procedure;
    return [
      ...(this.#failure === undefined ? [] : [this.#failure]),
      ...(criteria.checks ?? []).flatMap((check) => faultsOf(check, this.#evidence)),
      ...(this.#context.hands.faults?.() ?? []),
    ];
  }

  #fail(reason: string): void {
    this.#failure = reason;
    this.#finished = true;
  }

  #isPrepared(): boolean {
    return this.#unprepared().length === 0 && (this.#context.hands.isReady?.() ?? true);
  }

  #unprepared(): string[] {
    const { checks } = this.#procedure.preconditions;
    return (checks ?? []).flatMap((check) => faultsOf(check, this.#evidence));
  }

  #start(): void {
    this.#startedAt = this.#context.utility.now();
    const [first] = this.#listeners;
    if (first !== undefined) this.#enable([first.name]);
    for (const action of this.#procedure.preconditions.actions ?? []) act(action, this.#stage);
  }

  #enable(steps: readonly string[]): void {
    for (const listener of this.#listeners.filter(({ name }) => steps.includes(name))) {
      listener.enabledAt = this.#context.utility.now();
      this.#context.hands.stepBegins?.(listener.name);
    }
  }

  #indexOf(step: string): number {
    const index = this.#listeners.findIndex(({ name }) => name === step);
    if (index < 0) throw new Error(`the step ${step} is not there to be removed`);
    return index;
  }

  #isDue({ name, step, enabledAt }: Listener, now: number): boolean {
    if (enabledAt === undefined) return false;
    const { type, parameters } = step.event;
    if (type === 'wait') return now - enabledAt >= (this.#given(parameters).number('duration_seconds') ?? 0);
    if (type !== 'proceed') return false;
    const timeout = this.#given(parameters).number('timeout_seconds');
    if (this.#context.hands.mayProceed?.(name) === true) return true;
    return timeout !== undefined && now - enabledAt >= timeout;
  }

  /** Runs a step's actions where its checks hold. */
  #trigger({ step }: Listener): boolean {
    if ((step.event.checks ?? []).some((check) => faultsOf(check, this.#evidence).length > 0)) return false;
    for (const action of step.actions) act(action, this.#stage);
    return true;
  }

  #given(parameters: ClientStep['event']['parameters']): Given {
    return new Given(parameters, this.#stage.variables);
  }

  /** Seconds that a client may take: every wait, three polls for every request that is waited for, and half an hour. */
  #longest(): number {
    const { rates } = this.#context.utility;
    const slowest = Math.max(rates.dcap, rates.derp, rates.mup);
    const waits = Object.values(this.#procedure.steps).map(({ event }) => {
      const seconds = event.parameters?.['duration_seconds'] ?? event.parameters?.['timeout_seconds'];
      return typeof seconds === 'number' ? seconds : slowest * 3;
    });
    return waits.reduce((sum, seconds) => sum + seconds, 1800);
  }
}
