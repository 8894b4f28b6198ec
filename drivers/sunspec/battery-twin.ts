import type { Clock } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { DeviceImage, exponentFor } from './device-image.ts';
import { models } from './models.generated.ts';
import { nominalGrid } from './nominal-grid.ts';
import { RevertTimer } from './revert-timer.ts';

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

const ac = models[701].points;
const control = models[704].points;
const { ENABLED, DISABLED } = control.WSetEna.symbols;
const { WATTS } = control.WSetMod.symbols;
const { ESS } = models[714].groups[0].points.PrtTyp.symbols;
const { ON } = models[714].groups[0].points.DCSta.symbols;

/** Model 704: those that make up the setpoint. A write to any of them starts its timer anew. */
const setpointPoints = [
  'WSetEna',
  'WSetMod',
  'WSet',
  'WSetRvrt',
  'WSetPct',
  'WSetPctRvrt',
  'WSetEnaRvrt',
  'WSetRvrtTms',
];
const isSetpointPoint: ReadonlySet<string> = new Set(setpointPoints.map((name) => `704.${name}`));

/**
 * A battery on the wire: SunSpec models 1, 701, 702, 704, 713 and 714 from 40000. The physics behind it asks
 * `effectivePowerW` each second; a setpoint gives way to its reversion value when its timer has run out, by the
 * clock given. Without a setpoint the battery rests.
 */
export class SunSpecBatteryTwin {
  readonly bank: RegisterBank;
  readonly #image: DeviceImage;
  readonly #source: BatterySource;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #timer = new RevertTimer();
  readonly #refresh: () => void;
  readonly #powerStep: number;
  /** What the registers ask for, as of the last write or reversion. */
  #setpointW = 0;

  constructor(source: BatterySource, clock: Pick<Clock, 'now'>) {
    this.#source = source;
    this.#clock = clock;
    this.#image = new DeviceImage(
      [{ id: 1 }, { id: 701 }, { id: 702 }, { id: 704 }, { id: 713 }, { id: 714, counts: { NPrt: 1 } }],
      {
        beforeRead: () => this.#refresh(),
        accepts: (name, raw) => this.#accepts(name, raw),
        afterWrite: (names) => this.#onWrite(names),
      },
    );
    this.bank = this.#image;
    const powerExponent = exponentFor(source.ratedW, 0x7fff);
    this.#powerStep = 10 ** powerExponent;
    this.#describe(powerExponent);
    this.#refresh = this.#refresher();
  }

  /** The AC power asked for at `now`, integer W, positive = discharge; 0 when there is no setpoint. */
  effectivePowerW(now: UnixSeconds): number {
    if (this.#timer.isDue(now)) {
      this.#timer.disarm();
      const [WSetEna, WSet, WSetPct] = [
        this.#control('WSetEnaRvrt'),
        this.#control('WSetRvrt'),
        this.#control('WSetPctRvrt'),
      ];
      this.#image.set(704, { WSetEna, WSet, WSetPct });
      this.#setpointW = this.#setpointInRegisters();
    }
    return this.#setpointW;
  }

  #setpointInRegisters(): number {
    if (this.#control('WSetEna') !== ENABLED) return 0;
    if (this.#control('WSetMod') === WATTS) return this.#control('WSet');
    return Math.trunc((this.#control('WSetPct') * this.#source.ratedW) / 100);
  }

  #control(name: string): number {
    return this.#image.point(704, name).get()!;
  }

  #accepts(name: string, raw: number): boolean {
    const { ratedW } = this.#source;
    if (name === '704.WSet' || name === '704.WSetRvrt') return Math.abs(raw) <= ratedW;
    if (name === '704.WSetPct' || name === '704.WSetPctRvrt') return Math.abs(raw) <= 100;
    const isSwitch = name === '704.WSetEna' || name === '704.WSetMod' || name === '704.WSetEnaRvrt';
    return !isSwitch || raw === 0 || raw === 1;
  }

  #onWrite(names: readonly string[]): void {
    this.#setpointW = this.#setpointInRegisters();
    if (!names.some((name) => isSetpointPoint.has(name))) return;
    const isEnabled = this.#control('WSetEna') === ENABLED;
    if (isEnabled) this.#timer.arm(this.#clock.now(), this.#control('WSetRvrtTms'));
    else this.#timer.disarm();
  }

  #describe(powerExponent: number): void {
    const { ratedW, capacityWh, serial } = this.#source;
    const image = this.#image;
    image.setText(1, 'Mn', 'GridTokenX');
    image.setText(1, 'Md', 'Battery twin');
    image.setText(1, 'SN', serial);
    image.set(701, {
      ACType: ac.ACType.symbols.THREE_PHASE,
      St: ac.St.symbols.ON,
      ConnSt: ac.ConnSt.symbols.CONNECTED,
    });
    image.set(701, { W_SF: powerExponent, V_SF: 0, Hz_SF: -2, TotWh_SF: 0, Alrm: 0 });
    image.set(701, {
      LLV: nominalGrid.lineToLineV,
      LNV: nominalGrid.lineToNeutralV,
      Hz: 100 * nominalGrid.frequencyHz,
    });
    const ratingExponent = exponentFor(ratedW, 0xfffe);
    const rating = Math.round(ratedW / 10 ** ratingExponent);
    image.set(702, { W_SF: ratingExponent, WMaxRtg: rating, WChaRteMaxRtg: rating, WDisChaRteMaxRtg: rating });
    image.set(702, { WMax: rating, WChaRteMax: rating, WDisChaRteMax: rating });
    image.set(704, Object.fromEntries(setpointPoints.map((name) => [name, 0])));
    image.set(704, { WSet_SF: 0, WSetPct_SF: 0, WSetEna: DISABLED, WSetMod: WATTS, WSetRvrtRem: 0 });
    const capacityExponent = exponentFor(capacityWh, 0xfffe);
    image.set(713, { WH_SF: capacityExponent, Pct_SF: -2, WHRtg: Math.round(capacityWh / 10 ** capacityExponent) });
    image.set(713, { Sta: models[713].points.Sta.symbols.OK });
    image.set(714, { DCWH_SF: 0, PrtAlrms: 0, 'Prt[0].PrtTyp': ESS, 'Prt[0].ID': 1, 'Prt[0].DCSta': ON });
  }

  #refresher(): () => void {
    const image = this.#image;
    const source = this.#source;
    const { RUNNING, STANDBY } = ac.InvSt.symbols;
    const [power, state] = [image.point(701, 'W'), image.point(701, 'InvSt')];
    const [injected, absorbed] = [image.point(701, 'TotWhInj'), image.point(701, 'TotWhAbs')];
    const [remaining, stateOfCharge] = [image.point(704, 'WSetRvrtRem'), image.point(713, 'SoC')];
    const dcInjected = ['DCWhInj', 'Prt[0].DCWhInj'].map((path) => image.point(714, path));
    const dcAbsorbed = ['DCWhAbs', 'Prt[0].DCWhAbs'].map((path) => image.point(714, path));
    return () => {
      const now = this.#clock.now();
      // Lets a timer that has run out show in the registers, whoever looks first.
      this.effectivePowerW(now);
      const powerW = source.acPowerW();
      power.set(Math.round(powerW / this.#powerStep));
      state.set(powerW === 0 ? STANDBY : RUNNING);
      injected.set(source.acDischargeWh());
      absorbed.set(source.acChargeWh());
      remaining.set(this.#timer.remaining(now));
      stateOfCharge.set(source.socCentiPercent());
      for (const point of dcInjected) point.set(source.dcDischargeWh());
      for (const point of dcAbsorbed) point.set(source.dcChargeWh());
    };
  }
}
