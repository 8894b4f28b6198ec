import type { Clock } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { DeviceImage, exponentFor } from './device-image.ts';
import { models } from './models.generated.ts';
import { nominalGrid } from './nominal-grid.ts';
import { RevertTimer } from './revert-timer.ts';

/** What stands behind the twin's registers; asked when they are read. */
export interface InverterSource {
  /** AC rating, W, 1 and up. */
  readonly ratedW: number;
  readonly serial: string;
  /** AC power, integer W, 0 to about `ratedW`. */
  powerW(): number;
  /** AC energy since installation, integer Wh. */
  energyWh(): number;
}

const { MPPT, SLEEPING, THROTTLED } = models[103].points.St.symbols;
const { PV } = models[120].points.DERTyp.symbols;
const { CONNECT, DISCONNECT } = models[123].points.Conn.symbols;
const { DISABLED, ENABLED } = models[123].points.WMaxLim_Ena.symbols;
/** Steps of `WMaxLimPct` in 100 %. */
const fullPct = 10_000;
/** Of model 123: a write to any of them starts its timer anew. */
const limitPoints: ReadonlySet<string> = new Set(['123.WMaxLimPct', '123.WMaxLimPct_RvrtTms', '123.WMaxLim_Ena']);

/**
 * A PV inverter on the wire: SunSpec models 1, 103, 120 and 123 from 40000. The physics behind it asks
 * `effectiveLimitW` each second; a limit falls back to none when its timer has run out, by the clock given.
 */
export class SunSpecInverterTwin {
  readonly bank: RegisterBank;
  readonly #image: DeviceImage;
  readonly #source: InverterSource;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #timer = new RevertTimer();
  readonly #refresh: () => void;
  /** What 100 % is: the rating as the registers have it. */
  readonly #fullW: number;
  /** What the registers ask for, as of the last write or reversion. */
  #limitW: number | null = null;

  constructor(source: InverterSource, clock: Pick<Clock, 'now'>) {
    this.#source = source;
    this.#clock = clock;
    this.#image = new DeviceImage([{ id: 1 }, { id: 103 }, { id: 120 }, { id: 123 }], {
      beforeRead: () => this.#refresh(),
      accepts,
      afterWrite: (names) => this.#onWrite(names),
    });
    this.bank = this.#image;
    const powerExponent = exponentFor(source.ratedW, 0x7fff);
    const ratingExponent = exponentFor(source.ratedW, 0xfffe);
    const rating = Math.round(source.ratedW / 10 ** ratingExponent);
    this.#fullW = rating * 10 ** ratingExponent;
    this.#describe(powerExponent, rating, ratingExponent);
    this.#refresh = this.#refresher(powerExponent);
  }

  /** The limit that holds at `now`, integer W; `null` when there is none. 0 while a client keeps it disconnected. */
  effectiveLimitW(now: UnixSeconds): number | null {
    if (this.#timer.isDue(now)) {
      this.#timer.disarm();
      this.#image.set(123, { WMaxLim_Ena: DISABLED });
      this.#limitW = this.#limitInRegisters();
    }
    return this.#limitW;
  }

  #limitInRegisters(): number | null {
    if (this.#control('Conn') === DISCONNECT) return 0;
    if (this.#control('WMaxLim_Ena') !== ENABLED) return null;
    return Math.floor((this.#control('WMaxLimPct') * this.#fullW) / fullPct);
  }

  #control(name: string): number {
    return this.#image.point(123, name).get()!;
  }

  #onWrite(names: readonly string[]): void {
    this.#limitW = this.#limitInRegisters();
    if (!names.some((name) => limitPoints.has(name))) return;
    const isEnabled = this.#control('WMaxLim_Ena') === ENABLED;
    if (isEnabled) this.#timer.arm(this.#clock.now(), this.#control('WMaxLimPct_RvrtTms'));
    else this.#timer.disarm();
  }

  #describe(powerExponent: number, rating: number, ratingExponent: number): void {
    const image = this.#image;
    image.setText(1, 'Mn', 'GridTokenX');
    image.setText(1, 'Md', 'PV inverter twin');
    image.setText(1, 'SN', this.#source.serial);
    image.set(103, { A_SF: -1, V_SF: 0, W_SF: powerExponent, Hz_SF: -2, WH_SF: 0, Evt1: 0, Evt2: 0 });
    const volts = nominalGrid.lineToNeutralV;
    image.set(103, { PhVphA: volts, PhVphB: volts, PhVphC: volts, Hz: 100 * nominalGrid.frequencyHz });
    image.set(120, { DERTyp: PV, WRtg: rating, WRtg_SF: ratingExponent, VARtg: rating, VARtg_SF: ratingExponent });
    image.set(123, { Conn: CONNECT, WMaxLimPct: fullPct, WMaxLimPct_SF: -2 });
    image.set(123, { WMaxLimPct_WinTms: 0, WMaxLimPct_RvrtTms: 0, WMaxLimPct_RmpTms: 0, WMaxLim_Ena: DISABLED });
  }

  #refresher(powerExponent: number): () => void {
    const image = this.#image;
    const step = 10 ** powerExponent;
    const [power, energy, state] = [image.point(103, 'W'), image.point(103, 'WH'), image.point(103, 'St')];
    const amps = image.point(103, 'A');
    const phaseAmps = ['AphA', 'AphB', 'AphC'].map((path) => image.point(103, path));
    return () => {
      const powerW = this.#source.powerW();
      power.set(Math.round(powerW / step));
      energy.set(this.#source.energyWh() % 0x100000000);
      const perPhase = Math.round((10 * powerW) / (3 * nominalGrid.lineToNeutralV));
      amps.set(3 * perPhase);
      for (const phase of phaseAmps) phase.set(perPhase);
      const limitW = this.effectiveLimitW(this.#clock.now());
      const running = limitW !== null && powerW >= limitW ? THROTTLED : MPPT;
      state.set(powerW === 0 ? SLEEPING : running);
    };
  }
}

function accepts(name: string, raw: number): boolean {
  if (name === '123.WMaxLimPct') return raw <= fullPct;
  if (name === '123.WMaxLim_Ena' || name === '123.Conn') return raw === 0 || raw === 1;
  // The twin acts at once: it knows neither delay nor ramp.
  return raw === 0 || (name !== '123.WMaxLimPct_WinTms' && name !== '123.WMaxLimPct_RmpTms');
}
