import { ratedPvW, ratedStorageW, type SiteUnderTest } from './site-under-test.ts';
import { inForce } from './utility/standing.ts';
import type { Modes } from './utility/state.ts';

/** What the site gives and takes in one second; W, integers. */
interface Measured {
  /** At the connection point; positive is import. */
  readonly gridW: number;
  /** Positive is generation. */
  readonly pvW: number;
  /** Positive is discharge. */
  readonly batteryW: number;
}

/** What the utility asked for from a moment on. */
interface Asked {
  readonly at: number;
  readonly modes: Modes;
  readonly settleSeconds: number;
}

/** A power that a limit holds, and what could not be held to it by anything that the board controls. */
interface Limited {
  readonly measured: (power: Measured) => number;
  /** The least that the site can come to. */
  readonly least: (site: SiteUnderTest) => number;
}

const none = (): number => 0;
const limited: Readonly<Record<string, Limited>> = {
  opModExpLimW: { measured: ({ gridW }) => -gridW, least: none },
  opModImpLimW: { measured: ({ gridW }) => gridW, least: ({ loadW }) => loadW - ratedStorageW },
  opModGenLimW: { measured: ({ pvW, batteryW }) => pvW + Math.max(0, batteryW), least: none },
  opModLoadLimW: { measured: ({ batteryW }) => Math.max(0, -batteryW), least: none },
};

/** Of the limit, and of the rating where the limit is less: what a measurement may be beyond. */
const tolerance = 0.01;
const toleranceW = (limitW: number): number => Math.max(Math.abs(limitW), ratedPvW) * tolerance;

/** Room that was made is taken within so many seconds. */
const growsWithin = 120;
/** A margin that a board leaves below a limit. */
const useTolerance = 0.1;
/** A device that was switched off comes back after its own delay and ramp, seconds (IEEE 1547-2018 §4.10). */
const comesBackSeconds = 900;
/** Seconds for a notification, or for the exchange after a poll, and for the devices to answer. */
const reactionSeconds = 10;
/** Hundredths of a percent a second where the default control gives none. */
const ownGradW = 167;

/**
 * Holds the power at the connection point against what the utility asks for, every second of a run: a limit holds
 * once it could be known and the ramp is over, within 1 %; switched off is 0 W. What a change allows is judged by the
 * mildest of what was asked for in that time.
 */
export class LimitWatch {
  readonly #site: SiteUnderTest;
  readonly #asked: Asked[] = [];
  /** Sun and load as they were, and when they were otherwise. */
  #weather = '';
  #changedAt = 0;
  /** Seconds in which something was held against a limit. */
  judgedSeconds = 0;
  readonly faults: string[] = [];

  constructor(site: SiteUnderTest) {
    this.#site = site;
  }

  /** Whether what was asked for last has had its time. */
  isSettled(now: number): boolean {
    const last = this.#asked.at(-1);
    return last !== undefined && last.at + last.settleSeconds <= now;
  }

  second(now: number): void {
    const { utility } = this.#site.server;
    const device = utility.active;
    if (device === undefined) return;
    const {
      modes,
      setGradW = ownGradW,
      rampSeconds,
    } = inForce(utility, device.id, (program, at) => this.#isTold(`/edev/${device.id}/derp/${program.id}/derc`, at));
    const last = this.#asked.at(-1);
    if (last === undefined || JSON.stringify(last.modes) !== JSON.stringify(modes)) {
      const settleSeconds =
        this.#noticeSeconds() +
        Math.max(rampSeconds, Math.ceil(10_000 / setGradW)) +
        reactionSeconds +
        2 * this.#site.stepSeconds;
      this.#asked.push({ at: now, modes, settleSeconds });
    }
    // What is long over is of no use any more.
    while ((this.#asked[1]?.at ?? now) < now - 3_600) this.#asked.shift();
    const weather = `${this.#site.pvW} ${this.#site.loadW}`;
    if (weather !== this.#weather) this.#changedAt = now;
    this.#weather = weather;
    // Without a board the devices hold what they were told last, for as long as their own timers let them.
    if (this.#site.board === undefined || now - this.#changedAt < reactionSeconds) return;
    this.#judge(now);
  }

  /** In an outage a client knows of a cancellation only where it has read the list since. */
  #isTold(path: string, at: number): boolean {
    const { utility, requests } = this.#site.server;
    if (!utility.isDown) return true;
    return requests.all.some((request) => request.at > at && request.path === path && request.status === 200);
  }

  /** How long a client may not know of a change. */
  #noticeSeconds(): number {
    const { utility } = this.#site.server;
    const isSubscribed = utility.subscriptions.some(({ resource }) => resource.endsWith('/derc'));
    return isSubscribed ? 0 : Math.ceil(utility.rates.derp * 1.5);
  }

  #judge(now: number): void {
    const power = this.#site.building.site.state;
    let judged = false;
    for (const [mode, { measured, least }] of Object.entries(limited)) {
      const limitW = this.#mildest(mode, now);
      if (limitW === Infinity || least(this.#site) > limitW) continue;
      judged = true;
      const w = measured(power);
      if (w > limitW + toleranceW(limitW)) this.#fault(now, `${mode} of ${limitW} W: ${w} W measured`);
    }
    const isOff = this.#asks(
      now,
      ({ opModConnect, opModEnergize }) => opModConnect === false || opModEnergize === false,
    );
    if (isOff) {
      judged = true;
      const derW = Math.abs(power.pvW) + Math.abs(power.batteryW);
      if (derW > 0) this.#fault(now, `switched off: the DER is at ${derW} W`);
    }
    this.#judgeUse(now, power);
    if (judged) this.judgedSeconds++;
  }

  /** A limit is there to be used: what the sun gives is not held back below it. Of sites without storage only. */
  #judgeUse(now: number, { pvW }: Measured): void {
    const site = this.#site;
    const isSettled = this.#asks(now, () => true) && now - this.#changedAt > growsWithin;
    if (site.kind !== 'pv' || !isSettled || this.#wasOff(now)) return;
    const roomW = Math.min(
      site.pvW,
      this.#strictest('opModExpLimW', now) + site.loadW,
      this.#strictest('opModGenLimW', now),
    );
    if (pvW < roomW * (1 - useTolerance) - toleranceW(0))
      this.#fault(now, `${pvW} W generated where ${roomW} W may be`);
  }

  #wasOff(now: number): boolean {
    return this.#asked.some(({ modes }, i) => {
      const until = this.#asked[i + 1]?.at ?? now;
      const isOff = ['opModConnect', 'opModEnergize'].some((mode) => modes[mode] === false) || 'opModFixedW' in modes;
      return isOff && until > now - comesBackSeconds;
    });
  }

  #strictest(mode: string, now: number): number {
    return Math.min(
      ...this.#recent(now).map(({ modes }) => (typeof modes[mode] === 'number' ? modes[mode] : Infinity)),
    );
  }

  /** The newest, and what came before as long as its successor had not settled. */
  #recent(now: number): readonly Asked[] {
    return this.#asked.filter((_, i) => {
      const next = this.#asked[i + 1];
      return next === undefined || next.at + next.settleSeconds > now;
    });
  }

  #mildest(mode: string, now: number): number {
    const begun = this.#asked[0];
    if (begun === undefined || begun.at + begun.settleSeconds > now) return Infinity;
    return Math.max(
      ...this.#recent(now).map(({ modes }) => (typeof modes[mode] === 'number' ? modes[mode] : Infinity)),
    );
  }

  #asks(now: number, holds: (modes: Modes) => boolean): boolean {
    const begun = this.#asked[0];
    return (
      begun !== undefined &&
      begun.at + begun.settleSeconds <= now &&
      this.#recent(now).every(({ modes }) => holds(modes))
    );
  }

  #fault(now: number, what: string): void {
    if (this.faults.length < 5) this.faults.push(`at ${now}: ${what}`);
  }
}
