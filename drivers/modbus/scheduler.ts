import { GridError } from '#hal/errors.ts';
import { type BusTimer, wallTimer } from './bus-timer.ts';
import { shareReads } from './read-plan.ts';
import type { RegisterTransport } from './transport.ts';
import { UnitHealth } from './unit-health.ts';

export interface SchedulerOptions {
  /** How long a request may wait and travel, ms. 2,000 unless told. */
  readonly deadlineMs?: number;
  /** Requests on the wire at once: 1 on a serial line, and unless told. */
  readonly parallel?: number;
  /** Requests that wait; more are refused. 64 unless told. */
  readonly maxPending?: number;
  readonly timer?: BusTimer;
}

type Kind = 'write' | 'readBack' | 'read';
const rank: Readonly<Record<Kind, number>> = { write: 0, readBack: 1, read: 2 };

interface Job {
  readonly kind: Kind;
  readonly unit: number;
  readonly isInput: boolean;
  readonly start: number;
  readonly end: number;
  /** What a write carries. */
  readonly registers: Buffer | undefined;
  readonly expiresAt: number;
  readonly resolve: (registers: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

interface Unit {
  readonly health: UnitHealth;
  /** Registers that nobody wants which one read may take along; none once the unit refused a joined read. */
  bridge: number | undefined;
  /** What was written last and is not read back yet. */
  written: { readonly start: number; readonly end: number } | undefined;
}

/** A request more costs a line about as much as so many registers. */
const bridge = 10;
/** The link's connection as a whole failed. */
const lost = 'GTX-MOD-001';
/** The unit did not answer, or not intact: no answer, damaged answer, and what gateways say in place of silence. */
const silences: ReadonlySet<string> = new Set([
  'GTX-MOD-002',
  'GTX-MOD-003',
  'GTX-MOD-007',
  'GTX-MOD-110',
  'GTX-MOD-111',
]);
const isException = (error: unknown): boolean => error instanceof GridError && error.code.startsWith('GTX-MOD-1');

/**
 * The one scheduler of a bus that several units share. Drivers see a `RegisterTransport`: writes go first, then the
 * reads that look at what was just written, then other reads by their deadline, units that answer before those that
 * did not. Reads of one unit that stand together become one. A unit that is silent three times is left alone for
 * 1 to 30 s and costs the others one time-out in that; a bus that is lost is opened again at the same pace.
 *
 * Errors: those of the link, and `GTX-MOD-005` too many waiting · `008` the unit is left alone · `009` its deadline
 * passed while others were served.
 */
export class BusScheduler implements RegisterTransport, AsyncDisposable {
  readonly #link: RegisterTransport & AsyncDisposable;
  readonly #deadlineMs: number;
  readonly #parallel: number;
  readonly #maxPending: number;
  readonly #timer: BusTimer;
  readonly #units = new Map<number, Unit>();
  readonly #bus = new UnitHealth();
  /** In the order in which they were asked. */
  #jobs: Job[] = [];
  #sent = 0;
  #isPumping = false;
  #expiry: Disposable | undefined;

  constructor(link: RegisterTransport & AsyncDisposable, options: SchedulerOptions = {}) {
    this.#link = link;
    this.#deadlineMs = options.deadlineMs ?? 2000;
    this.#parallel = options.parallel ?? 1;
    this.#maxPending = options.maxPending ?? 64;
    this.#timer = options.timer ?? wallTimer;
  }

  get name(): string {
    return this.#link.name;
  }

  start(): Promise<void> {
    return this.#link.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#expiry?.[Symbol.dispose]();
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const { reject } of jobs) reject(new GridError('GTX-MOD-006', `The bus ${this.name} is closed`));
    await this.#link[Symbol.asyncDispose]();
  }

  readHolding(unit: number, address: number, count: number): Promise<Buffer> {
    return this.#read(unit, address, count, false, this.#deadlineMs);
  }

  readInput(unit: number, address: number, count: number): Promise<Buffer> {
    return this.#read(unit, address, count, true, this.#deadlineMs);
  }

  async writeHolding(unit: number, address: number, registers: Buffer): Promise<void> {
    await this.#write(unit, address, registers, this.#deadlineMs);
  }

  /** The same bus with another deadline: shorter for what controls, longer for what can wait. */
  within(deadlineMs: number): RegisterTransport {
    return {
      name: this.name,
      start: () => this.start(),
      readHolding: (unit, address, count) => this.#read(unit, address, count, false, deadlineMs),
      readInput: (unit, address, count) => this.#read(unit, address, count, true, deadlineMs),
      writeHolding: async (unit, address, registers) => void (await this.#write(unit, address, registers, deadlineMs)),
    };
  }

  #read(unit: number, start: number, count: number, isInput: boolean, deadlineMs: number): Promise<Buffer> {
    const { written } = this.#unit(unit);
    const end = start + count;
    const isReadBack = !isInput && written !== undefined && start < written.end && written.start < end;
    if (isReadBack) this.#unit(unit).written = undefined;
    const kind = isReadBack ? 'readBack' : 'read';
    return this.#ask({ kind, unit, isInput, start, end, registers: undefined }, deadlineMs);
  }

  #write(unit: number, start: number, registers: Buffer, deadlineMs: number): Promise<Buffer> {
    const end = start + registers.length / 2;
    this.#unit(unit).written = { start, end };
    return this.#ask({ kind: 'write', unit, isInput: false, start, end, registers }, deadlineMs);
  }

  #ask(job: Omit<Job, 'expiresAt' | 'resolve' | 'reject'>, deadlineMs: number): Promise<Buffer> {
    const now = this.#timer.nowMs();
    if (this.#jobs.length >= this.#maxPending) {
      const hint = 'The bus is slower than it is asked: `gridtokenx boards check` tells how busy a line would be.';
      return Promise.reject(new GridError('GTX-MOD-005', `Too many requests wait for ${this.name}`, { hint }));
    }
    const quarantine = this.#quarantineMs(job.unit, now);
    if (quarantine > 0) return Promise.reject(this.#quarantineError(job.unit));
    return new Promise((resolve, reject) => {
      this.#jobs.push({ ...job, expiresAt: now + deadlineMs, resolve, reject });
      this.#pumpSoon();
    });
  }

  /** After the present call, so that requests made together can become one. */
  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#expire();
    while (this.#sent < this.#parallel) {
      const now = this.#timer.nowMs();
      const ready = this.#jobs.filter(({ unit }) => this.#quarantineMs(unit, now) === 0);
      const [first] = ready.toSorted((a, b) => this.#compare(a, b));
      if (first === undefined) break;
      const together = this.#joined(first, ready);
      this.#jobs = this.#jobs.filter((job) => !together.includes(job));
      this.#sent++;
      this.#unit(first.unit).health.onSent();
      this.#bus.onSent();
      void this.#carryOut(together);
    }
    this.#expiry?.[Symbol.dispose]();
    this.#expiry = undefined;
    if (this.#jobs.length === 0) return;
    const next = Math.min(...this.#jobs.map(({ expiresAt }) => expiresAt));
    this.#expiry = this.#timer.after(next - this.#timer.nowMs(), () => this.#pump());
  }

  #compare(a: Job, b: Job): number {
    const suspect = (job: Job): number => Number(job.kind === 'read' && this.#unit(job.unit).health.isSuspect);
    return rank[a.kind] - rank[b.kind] || suspect(a) - suspect(b) || a.expiresAt - b.expiresAt;
  }

  /** The reads that go along with the first: of its unit and kind of register, near enough for one request. */
  #joined(first: Job, ready: readonly Job[]): readonly Job[] {
    if (first.kind === 'write') return [first];
    const reach = this.#unit(first.unit).bridge;
    if (reach === undefined) return [first];
    const alike = ready.filter(
      ({ kind, unit, isInput }) => kind !== 'write' && unit === first.unit && isInput === first.isInput,
    );
    return shareReads(alike, { bridge: reach }).find(({ wanted }) => wanted.includes(first))!.wanted;
  }

  async #carryOut(jobs: readonly Job[]): Promise<void> {
    const [first] = jobs as [Job];
    const unit = this.#unit(first.unit);
    const start = Math.min(...jobs.map((job) => job.start));
    const end = Math.max(...jobs.map((job) => job.end));
    try {
      const registers = await this.#transfer(first, start, end);
      unit.health.onAnswer();
      this.#bus.onAnswer();
      for (const job of jobs) job.resolve(registers.subarray(2 * (job.start - start), 2 * (job.end - start)));
    } catch (error) {
      this.#onError(error, jobs);
    } finally {
      this.#sent--;
      this.#pumpSoon();
    }
  }

  async #transfer({ unit, isInput, registers }: Job, start: number, end: number): Promise<Buffer> {
    if (registers === undefined) {
      return isInput
        ? this.#link.readInput(unit, start, end - start)
        : this.#link.readHolding(unit, start, end - start);
    }
    await this.#link.writeHolding(unit, start, registers);
    return registers;
  }

  #onError(error: unknown, jobs: readonly Job[]): void {
    const now = this.#timer.nowMs();
    const number = jobs[0]!.unit;
    const unit = this.#unit(number);
    const code = error instanceof GridError ? error.code : '';
    if (code === lost) {
      unit.health.onUnsent();
      if (this.#bus.onFailure(now)) this.#refuseQuarantined();
    } else {
      this.#bus.onAnswer();
      if (silences.has(code)) {
        if (unit.health.onFailure(now)) this.#refuseQuarantined();
      } else {
        unit.health.onAnswer();
      }
    }
    if (jobs.length > 1 && isException(error) && !silences.has(code)) {
      // It may be the registers between them that it refuses: each alone from now on.
      unit.bridge = undefined;
      this.#jobs.unshift(...jobs);
      return;
    }
    for (const job of jobs) job.reject(error);
  }

  #expire(): void {
    const now = this.#timer.nowMs();
    const late = this.#jobs.filter(({ expiresAt }) => expiresAt <= now);
    if (late.length === 0) return;
    this.#jobs = this.#jobs.filter(({ expiresAt }) => expiresAt > now);
    for (const { unit, reject } of late) {
      const hint = 'The bus is slower than it is asked: `gridtokenx boards check` tells how busy a line would be.';
      reject(new GridError('GTX-MOD-009', `Unit ${unit} on ${this.name} was not asked in time`, { hint }));
    }
  }

  #refuseQuarantined(): void {
    const now = this.#timer.nowMs();
    const isLeftAlone = ({ unit }: Job): boolean => this.#quarantineMs(unit, now) > 0;
    const refused = this.#jobs.filter(isLeftAlone);
    this.#jobs = this.#jobs.filter((job) => !isLeftAlone(job));
    for (const { unit, reject } of refused) reject(this.#quarantineError(unit));
  }

  #quarantineMs(unit: number, now: number): number {
    return Math.max(this.#bus.quarantineMs(now), this.#unit(unit).health.quarantineMs(now));
  }

  #quarantineError(unit: number): GridError {
    const hint = 'Check its power and wiring; it is asked again within 30 s, the others are served meanwhile.';
    return new GridError('GTX-MOD-008', `Unit ${unit} on ${this.name} has been silent and is left alone for now`, {
      hint,
    });
  }

  #unit(number: number): Unit {
    let unit = this.#units.get(number);
    if (unit === undefined) {
      unit = { health: new UnitHealth(), bridge, written: undefined };
      this.#units.set(number, unit);
    }
    return unit;
  }
}
