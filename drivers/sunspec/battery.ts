import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import type { Battery, BatteryNameplate, BatteryReading } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, type ModelBlock, scanDevice } from './device-map.ts';
import { identity } from './inverter.ts';
import { readModel } from './model-view.ts';
import { models } from './models.generated.ts';
import { PointReader, want } from './point-reader.ts';
import { writeAndVerify } from './point-writer.ts';
import { checkRevertSeconds, checkSetpoint, notStarted, plausiblePower } from './setpoint.ts';

interface Found {
  readonly reader: PointReader;
  readonly controls: ModelBlock & { readonly id: 704 };
  /** The power of ten of `WSet`. */
  readonly setpointExponent: number;
  readonly nameplate: BatteryNameplate;
}

const { ENABLED } = models[704].points.WSetEna.symbols;
const { WATTS } = models[704].points.WSetMod.symbols;
const maxRevertSeconds = 0xfffffffe;
const fullCentiPercent = 10_000;

/**
 * A battery with SunSpec models 1, 701, 702, 704, 713 and 714. Two Modbus reads a sample where 713 and 714 stand
 * side by side, as they do on devices that keep the models in order. Injected means out of the cells in all of them.
 */
export class SunSpecBattery implements Battery {
  readonly #transport: RegisterTransport;
  readonly #unit: number;
  #found: Found | undefined;

  constructor(transport: RegisterTransport, unit: number) {
    this.#transport = transport;
    this.#unit = unit;
  }

  async start(): Promise<void> {
    if (this.#found !== undefined) return;
    await this.#transport.start();
    this.#found = await this.#find(await scanDevice(this.#transport, this.#unit));
  }

  async read(): Promise<BatteryReading> {
    const { reader, nameplate } = this.#device();
    const [powerW, acDischarge, acCharge, stateOfCharge, dcDischarge, dcCharge] = (await reader.read()) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    if (stateOfCharge > fullCentiPercent) {
      throw new GridError('GTX-SUN-005', `The battery says that it is ${stateOfCharge / 100} % full`, {
        hint: 'Have the battery management system calibrated.',
      });
    }
    return {
      powerW: plausiblePower(powerW, nameplate),
      stateOfChargeCentiPercent: stateOfCharge,
      acChargeWh: Wh(acCharge),
      acDischargeWh: Wh(acDischarge),
      dcChargeWh: Wh(dcCharge),
      dcDischargeWh: Wh(dcDischarge),
    };
  }

  async setPower(w: W, revertSeconds: number): Promise<void> {
    const { controls, setpointExponent, nameplate } = this.#device();
    checkRevertSeconds(revertSeconds, maxRevertSeconds);
    checkSetpoint(w, true);
    const held = Math.min(Math.max(w, 0 - nameplate.maxChargeW), nameplate.maxDischargeW);
    // Toward zero, so that a coarse step never asks for more than was meant.
    const setpoint = Math.trunc(held / 10 ** setpointExponent);
    const values = {
      WSetEna: ENABLED,
      WSetMod: WATTS,
      WSet: setpoint,
      WSetRvrt: 0,
      WSetPct: 0,
      WSetPctRvrt: 0,
      WSetEnaRvrt: ENABLED,
      WSetRvrtTms: revertSeconds,
    };
    const mustHold: ReadonlySet<string> = new Set(['WSetEna', 'WSetMod', 'WSet', 'WSetRvrt', 'WSetEnaRvrt']);
    await writeAndVerify(this.#transport, this.#unit, controls, values, (name, taken, written) => {
      return !mustHold.has(name) || taken === written;
    });
  }

  nameplate(): BatteryNameplate {
    return this.#device().nameplate;
  }

  #device(): Found {
    if (this.#found === undefined) throw notStarted('battery', this.#transport, this.#unit);
    return this.#found;
  }

  async #find(map: DeviceMap): Promise<Found> {
    const [transport, unit] = [this.#transport, this.#unit];
    const controls = map.first(704);
    const reader = await PointReader.prepare(transport, unit, map, [
      want(701, 'W'),
      want(701, 'TotWhInj'),
      want(701, 'TotWhAbs'),
      want(713, 'SoC', 2),
      want(714, 'DCWhInj'),
      want(714, 'DCWhAbs'),
    ]);
    const common = await readModel(transport, unit, map.first(1));
    const ratings = await readModel(transport, unit, map.first(702));
    const storage = await readModel(transport, unit, map.first(713));
    const setpointExponent = (await readModel(transport, unit, controls)).raw('WSet_SF');
    if (setpointExponent === undefined) {
      throw new GridError('GTX-SUN-004', 'The battery does not take setpoints in watts (WSet of model 704)', {
        hint: 'Check whether its firmware allows remote control.',
      });
    }
    const ratedW = ratings.required('WMaxRtg');
    const nameplate: BatteryNameplate = {
      ...identity(common),
      ratedW: W(ratedW),
      capacityWh: Wh(storage.required('WHRtg')),
      maxChargeW: W(ratings.integer('WChaRteMaxRtg') ?? ratedW),
      maxDischargeW: W(ratings.integer('WDisChaRteMaxRtg') ?? ratedW),
    };
    return { reader, controls, setpointExponent, nameplate };
  }
}
