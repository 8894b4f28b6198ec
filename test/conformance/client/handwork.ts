import { LimitWatch } from './limit-watch.ts';
import type { Hands } from './procedure-run.ts';
import type { SiteUnderTest } from './site-under-test.ts';

/** Merges what several ideas do with their hands. */
export const together = (...all: readonly Hands[]): Hands => ({
  isReady: () => all.every(({ isReady }) => isReady?.() ?? true),
  stepBegins: (step) => {
    for (const { stepBegins } of all) stepBegins?.(step);
  },
  mayProceed: (step) => all.some(({ mayProceed }) => mayProceed?.(step) ?? false),
  second: (now, sinceStart) => {
    for (const { second } of all) second?.(now, sinceStart);
  },
  faults: () => all.flatMap(({ faults }) => faults?.() ?? []),
});

/** Whatever a procedure is about, what the utility asks for has to act at the connection point. */
export const watching = (site: SiteUnderTest): Hands => {
  const watch = new LimitWatch(site);
  return {
    // What the site does before the test has come to rest when it begins.
    isReady: () => {
      watch.second(site.now);
      return watch.isSettled(site.now);
    },
    second: (now) => watch.second(now),
    faults: () => watch.faults,
  };
};

/** What people do at a site. */
export type Handwork = (site: SiteUnderTest) => Hands;

/** Does things when a step begins. */
export const atSteps =
  (deeds: Readonly<Record<string, (site: SiteUnderTest) => void>>): Handwork =>
  (site) => ({ stepBegins: (step) => deeds[step]?.(site) });

/** Load over the time of the test, as a share of the DER's rating. */
export const loadSchedule =
  (ratedW: number, shares: readonly (readonly [seconds: number, share: number])[]): Handwork =>
  (site) => ({
    second: (_now, sinceStart) => {
      const [, share = 0] = shares.findLast(([from]) => sinceStart >= from) ?? [];
      site.loadW = Math.round(ratedW * share);
    },
  });

/** After a step has begun, the client sends nothing more. */
export const silentAfter =
  (step: string): Handwork =>
  (site) => {
    let from = Infinity;
    return {
      stepBegins: (begun) => {
        if (begun === step) from = site.now + 2;
      },
      faults: () => {
        const later = site.server.requests.all.filter(({ at }) => at >= from);
        return later.length === 0 ? [] : [`${later.length} requests after the wrong PIN was read`];
      },
    };
  };

/** Lets a step that waits for a person go on after some time. */
export const proceedsAfter =
  (step: string, seconds: number): Handwork =>
  (site) => {
    let begun = Infinity;
    return {
      stepBegins: (name) => {
        if (name === step) begun = site.now;
      },
      mayProceed: (name) => name === step && site.now - begun >= seconds,
    };
  };

/** A change of the export that is to take so long; W and seconds. */
export interface Ramp {
  readonly fromW: number;
  readonly toW: number;
  readonly seconds: number;
}

/** A ramp begins within a poll or two of its step. */
const watchedSeconds = 300;
/** Shares of the whole way at which a ramp has begun and is over. */
const [begun, over] = [0.05, 0.95];
/** How much quicker and slower a ramp may be. */
const [quickest, slowest] = [0.6, 1.4];

/** Watches the export from the begin of a step on, and holds the time that a change took against the ramp. */
export const ramps =
  (expected: Readonly<Record<string, Ramp>>): Handwork =>
  (site) => {
    const seen = new Map<string, number[]>();
    return {
      stepBegins: (step) => {
        if (step in expected) seen.set(step, []);
      },
      second: () => {
        const exportW = -site.building.site.state.gridW;
        for (const exportsW of seen.values()) if (exportsW.length < watchedSeconds) exportsW.push(exportW);
      },
      faults: () => Object.entries(expected).flatMap(([step, ramp]) => rampFaults(step, ramp, seen.get(step) ?? [])),
    };
  };

function rampFaults(step: string, { fromW, toW, seconds }: Ramp, exportsW: readonly number[]): string[] {
  const share = (w: number): number => (w - fromW) / (toW - fromW);
  // What went before may still be on its way when the step begins.
  const atRest = exportsW.findIndex((w) => Math.abs(share(w)) <= begun);
  const from = exportsW.findIndex((w, i) => i >= atRest && share(w) > begun);
  const until = exportsW.findIndex((w, i) => i >= from && share(w) >= over);
  if (atRest < 0 || from < 0 || until < 0) return [`${step}: the export did not go from ${fromW} to ${toW} W`];
  const took = (until - from) / (over - begun);
  const isRight = took >= seconds * quickest && took <= seconds * slowest;
  return isRight ? [] : [`${step}: from ${fromW} to ${toW} W in ${Math.round(took)} s, ${seconds} s are asked for`];
}
