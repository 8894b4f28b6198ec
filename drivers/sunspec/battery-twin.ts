import type { Clock } from '#hal/clock.ts';
import { seedOf } from '#hal/random.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { BatteryRange } from '../site/battery.ts';
import type { GridCondition } from '../site/grid.ts';
import { type AcPower, DerFunctions } from './der-functions.ts';
import { type DeviceImage, exponentFor } from './device-image.ts';
import { Ieee1547Registers } from './ieee1547-registers.ts';
import { models } from './models.generated.ts';

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
}

const { ESS } = models[714].groups[0].points.PrtTyp.symbols;
const { ON } = models[714].groups[0].points.DCSta.symbols;

/**
 * A battery on the wire: SunSpec models 1, 701, 702, 704, 713, 714, 703 and 705 to 712 from 40000. The physics behind
 * it asks `power` each second; controls fall back when their timers have run out, by the clock given. Without a
 * setpoint the battery rests.
 */
export class SunSpecBatteryTwin {
  readonly bank: DeviceImage;
  readonly functions: DerFunctions;
  readonly #registers: Ieee1547Registers;

  constructor(source: BatterySource, clock: Pick<Clock, 'now'>) {
    const { ratedW, serial } = source;
    this.#registers = new Ieee1547Registers(
      {
        model: 'Battery twin',
        serial,
        ratedW,
        chargeW: ratedW,
        // As many battery inverters are built: at full power nothing is left for reactive power.
        apparentVA: ratedW,
        idle: 'standby',
        ownModels: [{ id: 713 }, { id: 714, counts: { NPrt: 1 } }],
        beforeRead: () => {
          const now = clock.now();
          this.#registers.runTimers(now);
          const [injectedWh, absorbedWh] = [source.acDischargeWh(), source.acChargeWh()];
          this.#registers.show({ activeW: source.acPowerW(), injectedWh, absorbedWh, functions: this.functions }, now);
          showCells(this.#registers.image, source);
        },
      },
      clock,
    );
    this.bank = this.#registers.image;
    describeCells(this.#registers.image, source.capacityWh);
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

function showCells(image: DeviceImage, source: BatterySource): void {
  const [DCWhInj, DCWhAbs] = [source.dcDischargeWh(), source.dcChargeWh()];
  image.set(713, { SoC: source.socCentiPercent() });
  image.set(714, { DCWhInj, DCWhAbs, 'Prt[0].DCWhInj': DCWhInj, 'Prt[0].DCWhAbs': DCWhAbs });
}
