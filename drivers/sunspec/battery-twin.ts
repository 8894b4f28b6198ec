import type { Clock } from '#hal/clock.ts';
import { seedOf } from '#hal/random.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { BatteryRange } from '../site/battery.ts';
import type { GridCondition } from '../site/grid.ts';
import { type AcPower, DerFunctions } from './der-functions.ts';
import { type DeviceImage, exponentFor } from './device-image.ts';
import { Ieee1547Registers } from './ieee1547-registers.ts';
import type { InverterModels } from './inverter-twin.ts';
import { LegacyRegisters } from './legacy-registers.ts';
import { models } from './models.generated.ts';
import type { TwinRegisters } from './twin-registers.ts';

/** What stands behind the twin's registers; asked when they are read. */
export interface BatterySource {
  /** AC rating both ways, W, 1 and up. */
  readonly ratedW: number;
  readonly capacityWh: number;
  readonly serial: string;
  /** AC power, integer W, positive = discharge, within the rating. */
  acPowerW(): number;
  /** Hundredths of a percent, 0 to 10,000. */
  socCentiPercent(): number;
  /** Energies since installation, integer Wh. */
  acChargeWh(): number;
  acDischargeWh(): number;
  dcChargeWh(): number;
  dcDischargeWh(): number;
  /** Model 715 too, where the models are `ieee1547`. */
  readonly hasHeartbeat?: boolean;
}

/** `legacy`: SunSpec models 1, 103, 120, 123, 124 and 802. `ieee1547`: 1, 701 to 714. */
export type BatteryModels = InverterModels;

const { ESS } = models[714].groups[0].points.PrtTyp.symbols;
const { ON } = models[714].groups[0].points.DCSta.symbols;

/**
 * A battery on the wire from 40000. The physics behind it asks `power` each second; controls fall back when their
 * timers have run out, by the clock given. Without a setpoint the battery rests.
 */
export class SunSpecBatteryTwin {
  readonly bank: DeviceImage;
  readonly functions: DerFunctions;
  readonly #registers: TwinRegisters;

  constructor(source: BatterySource, clock: Pick<Clock, 'now'>, generation: BatteryModels = 'ieee1547') {
    const { ratedW, capacityWh, serial } = source;
    const isLegacy = generation === 'legacy';
    let showCells: (() => void) | undefined;
    const beforeRead = (): void => {
      const now = clock.now();
      this.#registers.runTimers(now);
      const [activeW, injectedWh, absorbedWh] = [source.acPowerW(), source.acDischargeWh(), source.acChargeWh()];
      this.#registers.show({ activeW, injectedWh, absorbedWh, functions: this.functions }, now);
      showCells?.();
    };
    const device = { model: 'Battery twin', serial, ratedW, idle: 'standby', beforeRead } as const;
    this.#registers = isLegacy
      ? new LegacyRegisters(
          { ...device, storage: { capacityWh, socCentiPercent: () => source.socCentiPercent() } },
          clock,
        )
      : new Ieee1547Registers(
          {
            ...device,
            chargeW: ratedW,
            // As many battery inverters are built: at full power nothing is left for reactive power.
            apparentVA: ratedW,
            ownModels: [{ id: 713 }, { id: 714, counts: { NPrt: 1 } }],
            hasHeartbeat: source.hasHeartbeat === true,
          },
          clock,
        );
    this.bank = this.#registers.image;
    if (!isLegacy) {
      describeCells(this.bank, capacityWh);
      showCells = cellsOf(this.bank, source);
    }
    this.functions = new DerFunctions(seedOf(0, serial), this.#registers.settings);
  }

  /** What flows in the second that ends at `now`, within what the cells allow. */
  power(now: UnixSeconds, { minW, maxW }: BatteryRange, grid: GridCondition): AcPower {
    this.#registers.runTimers(now);
    this.functions.settings = this.#registers.settings;
    return this.functions.step({ minW, maxW, desiredW: 0 }, grid);
  }

  /** The AC power that a client has asked for at `now`, integer W, positive = discharge; 0 when there is no setpoint. */
  effectivePowerW(now: UnixSeconds): number {
    this.#registers.runTimers(now);
    return this.#registers.settings.targetW ?? 0;
  }
}

function describeCells(image: DeviceImage, capacityWh: number): void {
  const capacityExponent = exponentFor(capacityWh, 0xfffe);
  image.set(713, { WH_SF: capacityExponent, Pct_SF: -2, Sta: models[713].points.Sta.symbols.OK });
  image.setValues(713, { WHRtg: capacityWh });
  image.set(714, { DCWH_SF: 0, PrtAlrms: 0, 'Prt[0].PrtTyp': ESS, 'Prt[0].ID': 1, 'Prt[0].DCSta': ON });
}

/** Shows what the cells hold and what has gone through them: the battery's registers are those of its one port. */
function cellsOf(image: DeviceImage, source: BatterySource): () => void {
  const charge = image.point(713, 'SoC');
  const injected = ['DCWhInj', 'Prt[0].DCWhInj'].map((path) => image.point(714, path));
  const absorbed = ['DCWhAbs', 'Prt[0].DCWhAbs'].map((path) => image.point(714, path));
  return () => {
    charge.set(source.socCentiPercent());
    for (const register of injected) register.set(source.dcDischargeWh());
    for (const register of absorbed) register.set(source.dcChargeWh());
  };
}
