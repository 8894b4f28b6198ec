import type { Clock } from '#hal/clock.ts';
import { seedOf } from '#hal/random.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { GridCondition } from '../site/grid.ts';
import { type AcPower, DerFunctions } from './der-functions.ts';
import type { DeviceImage } from './device-image.ts';
import { apparentShare } from './ieee1547-defaults.ts';
import { Ieee1547Registers } from './ieee1547-registers.ts';
import { LegacyRegisters } from './legacy-registers.ts';
import type { TwinRegisters } from './twin-registers.ts';

/** What stands behind the twin's registers; asked when they are read. */
export interface InverterSource {
  /** AC rating, W, 1 and up. */
  readonly ratedW: number;
  readonly serial: string;
  /** AC power, integer W, 0 to about `ratedW`. */
  powerW(): number;
  /** AC energy since installation, integer Wh. */
  energyWh(): number;
  /** Model 715 too, where the models are `ieee1547`. */
  readonly hasHeartbeat?: boolean;
}

/** `legacy`: SunSpec models 1, 103, 120 and 123. `ieee1547`: 1 and 701 to 712. */
export type InverterModels = 'legacy' | 'ieee1547';

/**
 * A PV inverter on the wire from 40000. The physics behind it asks `power` each second; controls fall back when their
 * timers have run out, by the clock given.
 */
export class SunSpecInverterTwin {
  readonly bank: DeviceImage;
  readonly functions: DerFunctions;
  readonly #registers: TwinRegisters;
  readonly #ratedW: number;

  constructor(source: InverterSource, clock: Pick<Clock, 'now'>, models: InverterModels = 'legacy') {
    const { serial, ratedW } = source;
    const beforeRead = (): void => {
      const now = clock.now();
      this.#registers.runTimers(now);
      const [activeW, injectedWh] = [source.powerW(), source.energyWh()];
      this.#registers.show({ activeW, injectedWh, absorbedWh: 0, functions: this.functions }, now);
    };
    const device = { model: 'PV inverter twin', serial, ratedW, idle: 'sleeping', beforeRead } as const;
    this.#registers =
      models === 'legacy'
        ? new LegacyRegisters(device, clock)
        : new Ieee1547Registers(
            {
              ...device,
              apparentVA: Math.ceil(ratedW * apparentShare),
              chargeW: 0,
              ownModels: [],
              hasHeartbeat: source.hasHeartbeat === true,
            },
            clock,
          );
    this.bank = this.#registers.image;
    this.#ratedW = ratedW;
    this.functions = new DerFunctions(seedOf(0, serial), this.#registers.settings);
  }

  /** What flows in the second that ends at `now`, when the sun gives `availableW`. */
  power(now: UnixSeconds, availableW: number, grid: GridCondition): AcPower {
    this.#registers.runTimers(now);
    this.functions.settings = this.#registers.settings;
    const maxW = Math.min(availableW, this.#ratedW);
    return this.functions.step({ minW: 0, maxW, desiredW: maxW }, grid);
  }

  /** The limit that a client has set at `now`, integer W; `null` when there is none. 0 while it is disconnected. */
  effectiveLimitW(now: UnixSeconds): number | null {
    this.#registers.runTimers(now);
    const { limitW, isConnected, isPermitted } = this.#registers.settings;
    return isConnected && isPermitted ? limitW : 0;
  }
}
