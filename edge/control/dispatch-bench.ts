import assert from 'node:assert/strict';
import { seedOf, uniform } from '#hal/random.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Setting, Settings } from '#ieee2030_5/events/schedule.ts';
import { Site, type SiteSpec, type TraceSource } from '#drivers/site/site.ts';
import type { SiteSample } from '../sampler.ts';
import { decide, type LadderMemory, nothingDecided } from './ladder.ts';
import type { SiteRules } from './limits.ts';
import type { Plant } from './plant.ts';
import type { Decider } from './power-plan.ts';

export interface DispatchRun {
  readonly start: number;
  readonly days: number;
  readonly stepSeconds: number;
  readonly seed: number;
  readonly pvRatedW: number;
  readonly batteryRatedW: number;
  readonly capacityWh: number;
  readonly reservePercent: number;
  /** At the start, 0 to 100. */
  readonly charge: number;
  readonly peakShaving?: { readonly aboveW: number; readonly keepCentiPercent: number };
  readonly rules: SiteRules;
  readonly traces?: TraceSource;
  /** Trades and a utility's events, drawn from the seed. */
  readonly isEventful: boolean;
}

export interface DispatchOutcome {
  readonly steps: number;
  readonly importWh: number;
  readonly exportWh: number;
  readonly generationWh: number;
  readonly stateOfChargeCentiPercent: number;
  /** The greatest import of a second, W. */
  readonly peakW: number;
  readonly lowestCentiPercent: number;
  readonly highestCentiPercent: number;
  /** How often each thing decided the storage's power. */
  readonly deciders: ReadonlyMap<Decider, number>;
}

/** What must leave the reserve alone: anything but a limit. */
const ownAccord: ReadonlySet<Decider> = new Set([
  'selfConsumption',
  'market',
  'peakShaving',
  'target',
  'storageTarget',
]);

const ratingsOf = (maxW: number) => ({ maxW, maxVA: maxW, maxVarInject: 0, maxVarAbsorb: 0, nominalV: undefined });

function plantOf({ pvRatedW, batteryRatedW, capacityWh, reservePercent, peakShaving }: DispatchRun): Plant {
  return {
    inverter: pvRatedW === 0 ? undefined : { ratedW: pvRatedW, ratings: ratingsOf(pvRatedW), modes: new Set() },
    battery: {
      ratedW: batteryRatedW,
      ratings: ratingsOf(batteryRatedW),
      modes: new Set(),
      maxChargeW: batteryRatedW,
      maxDischargeW: batteryRatedW,
      capacityWh,
      reserveCentiPercent: reservePercent * 100,
      peakShaving,
    },
  };
}

const source = { kind: 'event', mRID: 'aa', program: 'bb', primacy: 1 } as const;
const settingOf = <Value>(value: Value): Setting<Value> => ({ value, rampTms: undefined, source });

/** One hour in two has an event. */
function settingsAt(seed: number, hour: number, ratedW: number, storageW: number): Settings<DERModes> {
  const watts = (share: number) => settingOf({ multiplier: 0, value: Math.round(share * ratedW) });
  const share = uniform(seed, 2 * hour + 1);
  switch (Math.floor(uniform(seed, 2 * hour) * 10)) {
    case 0:
      return { opModExpLimW: watts(share) };
    case 1:
      return { opModImpLimW: watts(share) };
    case 2:
      return { opModStorageTargetW: settingOf({ multiplier: 0, value: Math.round((2 * share - 1) * storageW) }) };
    case 3:
      return { opModTargetW: watts(2 * share - 1) };
    case 4:
      return { opModExpLimW: watts(0), opModImpLimW: watts(share) };
    default:
      return {};
  }
}

/**
 * Physics and the ladder without wire or server: each step the ladder decides by what it would have sampled, and the
 * devices do so for each second until the next. Asserts, every second, that powers and charge stay within their limits.
 */
export function runDispatch(run: DispatchRun): DispatchOutcome {
  const { start, days, stepSeconds, seed, pvRatedW, batteryRatedW, capacityWh, reservePercent, rules } = run;
  const spec: SiteSpec = {
    meterId: 'DISPATCH',
    building: 'residential',
    location: { latitude: 37, longitude: -122, timeZone: 'UTC' },
    pvRatedW,
    peakLoadW: 10_000,
    battery: { capacityWh, ratedW: batteryRatedW },
    ...(run.traces && { traces: run.traces }),
  };
  const fresh = new Site(spec, seed).save();
  const site = new Site(spec, seed, { ...fresh, storedJ: Math.round((capacityWh * 3600 * run.charge) / 100) });
  const orders = { storageW: 0, pvW: null as number | null };
  site.controls = {
    pv: (_now, availableW) => ({ activeW: Math.min(availableW, orders.pvW ?? availableW), reactiveVar: 0 }),
    battery: (now, range) => {
      const { storageW } = orders;
      assert.ok(Math.abs(storageW) <= batteryRatedW, `${now}: ${storageW} W`);
      // Full, the cells would take less than was ordered: the ladder knows before.
      assert.ok(storageW >= range.minW, `${now}: charged with ${storageW} W, the cells take ${range.minW} W`);
      return { activeW: storageW, reactiveVar: 0 };
    },
  };
  const plant = plantOf(run);
  const deciders = new Map<Decider, number>();
  let memory: LadderMemory = nothingDecided;
  let [peakW, lowest, highest] = [0, 10_000, 0];
  const steps = (days * 86_400) / stepSeconds;
  site.resumeAt(UnixSeconds(start - 1));
  for (let step = 0; step < steps; step++) {
    const now = UnixSeconds(start + step * stepSeconds);
    site.advanceTo(now);
    peakW = Math.max(peakW, site.state.gridW);
    const charge = site.stateOfChargeCentiPercent;
    [lowest, highest] = [Math.min(lowest, charge), Math.max(highest, charge)];
    const hour = Math.floor(now / 3600);
    const draw = uniform(seedOf(seed, 'commitments'), Math.floor(now / 300)) - 0.5;
    const {
      setpoints,
      explanation,
      memory: next,
    } = decide(
      {
        now,
        serverTime: now,
        settings: run.isEventful
          ? settingsAt(seedOf(seed, 'events'), hour, batteryRatedW + pvRatedW, batteryRatedW)
          : {},
        curveOf: () => undefined,
        isServerLost: false,
        site: rules,
        plant,
        frequencyHz: 60,
        sample: sampleOf(site, now),
        commitmentW: run.isEventful ? Math.round(draw * batteryRatedW) : 0,
      },
      memory,
    );
    memory = next;
    orders.storageW = setpoints.storageW;
    orders.pvW = setpoints.pvW;
    const by = explanation.setpoints.storageBy;
    deciders.set(by, (deciders.get(by) ?? 0) + 1);
    const isBelowReserve = charge <= reservePercent * 100;
    assert.ok(
      !isBelowReserve || setpoints.storageW <= 0 || !ownAccord.has(by),
      `${now}: ${by} at ${charge} takes the reserve`,
    );
    assert.ok(setpoints.pvW === null || (setpoints.pvW >= 0 && setpoints.pvW <= pvRatedW));
  }
  return {
    steps,
    importWh: site.importWh,
    exportWh: site.exportWh,
    generationWh: site.generationWh,
    stateOfChargeCentiPercent: site.stateOfChargeCentiPercent,
    peakW,
    lowestCentiPercent: lowest,
    highestCentiPercent: highest,
    deciders,
  };
}

function sampleOf(site: Site, time: UnixSeconds): SiteSample {
  const { gridW, loadW, pvW, batteryW } = site.state;
  return {
    time,
    gridW: W(gridW),
    loadW: W(loadW),
    voltageV: 230,
    inverter: { powerW: W(pvW), generationWh: site.generationWh },
    battery: {
      powerW: W(batteryW),
      stateOfChargeCentiPercent: site.stateOfChargeCentiPercent,
      acChargeWh: site.acChargeWh,
      acDischargeWh: site.acDischargeWh,
      dcChargeWh: site.dcChargeWh,
      dcDischargeWh: site.dcDischargeWh,
    },
  };
}
