import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import type { Battery, BatteryNameplate, BatteryReading } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { DeviceMap } from './device-map.ts';
import { ieee1547Controls } from './ieee1547-controls.ts';
import { readModel } from './model-view.ts';
import { PointReader, want } from './point-reader.ts';
import { type FoundDevice, type Identity, SunSpecDevice } from './sunspec-device.ts';

const fullCentiPercent = 10_000;

/**
 * A battery with SunSpec models 1, 701, 702, 704, 713 and 714 (703 and 705 to 712 where it has them). Two Modbus reads
 * a sample where 713 and 714 stand side by side, as they do on devices that keep the models in order. Injected means
 * out of the cells in all of them.
 */
export class SunSpecBattery extends SunSpecDevice<BatteryNameplate> implements Battery {
  constructor(transport: RegisterTransport, unit: number) {
    super('battery', transport, unit);
  }

  async read(): Promise<BatteryReading> {
    const [powerW, acDischarge, acCharge, stateOfCharge, dcDischarge, dcCharge] =
      (await this.device().reader.read()) as [number, number, number, number, number, number];
    if (stateOfCharge > fullCentiPercent) {
      throw new GridError('GTX-SUN-005', `The battery says that it is ${stateOfCharge / 100} % full`, {
        hint: 'Have the battery management system calibrated.',
      });
    }
    return {
      powerW: this.plausiblePower(powerW),
      stateOfChargeCentiPercent: stateOfCharge,
      acChargeWh: Wh(acCharge),
      acDischargeWh: Wh(acDischarge),
      dcChargeWh: Wh(dcCharge),
      dcDischargeWh: Wh(dcDischarge),
    };
  }

  setPower(w: W, revertSeconds: number): Promise<void> {
    const { maxChargeW, maxDischargeW } = this.nameplate();
    // What is no number is refused where the mode is set.
    const held = Math.min(Math.max(w, 0 - maxChargeW), maxDischargeW) as W;
    return this.setMode('targetW', held, { revertSeconds, revertTo: W(0) });
  }

  protected async find(map: DeviceMap, identity: Identity): Promise<FoundDevice<BatteryNameplate>> {
    const { transport, unit } = this;
    const controls = await ieee1547Controls(transport, unit, map);
    if (controls.modes.targetW === undefined) {
      throw new GridError('GTX-SUN-004', 'The battery does not take setpoints in watts (WSet of model 704)', {
        hint: 'Check whether its firmware allows remote control.',
      });
    }
    const reader = await PointReader.prepare(transport, unit, map, [
      want(701, 'W'),
      want(701, 'TotWhInj'),
      want(701, 'TotWhAbs'),
      want(713, 'SoC', 2),
      want(714, 'DCWhInj'),
      want(714, 'DCWhAbs'),
    ]);
    const capacity = await readModel(transport, unit, map.first(702));
    const storage = await readModel(transport, unit, map.first(713));
    const ratedW = capacity.required('WMaxRtg');
    const nameplate: BatteryNameplate = {
      ...identity,
      ratedW: W(ratedW),
      capacityWh: Wh(storage.required('WHRtg')),
      maxChargeW: W(capacity.integer('WChaRteMaxRtg') ?? ratedW),
      maxDischargeW: W(capacity.integer('WDisChaRteMaxRtg') ?? ratedW),
    };
    return { reader, nameplate, controls };
  }
}
