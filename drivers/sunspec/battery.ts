import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import type { Battery, BatteryNameplate, BatteryReading } from '../capabilities.ts';
import type { DriverContext } from '../driver.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { BatteryEnergy } from './battery-energy.ts';
import type { DeviceMap } from './device-map.ts';
import { ieee1547Controls } from './ieee1547-controls.ts';
import { legacyStorageControls } from './legacy-controls.ts';
import { readModel } from './model-view.ts';
import { PointReader, type Wanted, want } from './point-reader.ts';
import { type FoundDevice, type Identity, SunSpecDevice } from './sunspec-device.ts';

const fullCentiPercent = 10_000;

/** What one generation of models says in a sample: AC power and charge first, then energies. */
interface BatteryState {
  readonly powerW: number;
  readonly stateOfCharge: number;
  readonly energies: () => Promise<
    Pick<BatteryReading, 'acChargeWh' | 'acDischargeWh' | 'dcChargeWh' | 'dcDischargeWh'>
  >;
}

/**
 * A battery with SunSpec models 1, 701, 702 and 704 (703, 705 to 712 and 715 where it has them), or else 1, 101 to 103,
 * 120 and 124 (121 and 123 where it has them); its charge by 713, 802 or 124. Two Modbus reads a sample, and with 715 or
 * 802 a read and a write more. Injected means out of the cells in all of them.
 *
 * With model 124 a setpoint falls back to the battery's own operation when its timer runs out, and the driver counts
 * the energies itself. What measures AC only says of DC the same.
 */
export class SunSpecBattery extends SunSpecDevice<BatteryNameplate> implements Battery {
  readonly #context: DriverContext;
  #state: ((values: readonly number[]) => BatteryState) | undefined;

  constructor(transport: RegisterTransport, unit: number, context: DriverContext) {
    super('battery', transport, unit, context.clock);
    this.#context = context;
  }

  async read(): Promise<BatteryReading> {
    const values = await this.readSample();
    const { powerW, stateOfCharge, energies } = this.#state!(values);
    if (stateOfCharge > fullCentiPercent) {
      throw new GridError('GTX-SUN-005', `The battery says that it is ${stateOfCharge / 100} % full`, {
        hint: 'Have the battery management system calibrated.',
      });
    }
    return { powerW: W(powerW), stateOfChargeCentiPercent: stateOfCharge, ...(await energies()) };
  }

  setPower(w: W, revertSeconds: number): Promise<void> {
    const { maxChargeW, maxDischargeW } = this.nameplate();
    // What is no number is refused where the mode is set.
    const held = Math.min(Math.max(w, 0 - maxChargeW), maxDischargeW) as W;
    const canRest = this.modes().get('targetW')?.reverts === 'toValue';
    return this.setMode('targetW', held, { revertSeconds, ...(canRest && { revertTo: W(0) }) });
  }

  protected async find(map: DeviceMap, identity: Identity): Promise<FoundDevice<BatteryNameplate>> {
    const isNew = map.find(701) && map.find(702) && map.find(704);
    return isNew ? this.#findIeee1547(map, identity) : this.#findLegacy(map, identity);
  }

  async #findIeee1547(map: DeviceMap, identity: Identity): Promise<FoundDevice<BatteryNameplate>> {
    const { transport, unit } = this;
    const controls = await ieee1547Controls(transport, unit, map);
    if (controls.modes.targetW === undefined) throw withoutSetpoint('WSet of model 704');
    const charge = chargeIn(map);
    const cells = map.find(714) === undefined ? [] : [want(714, 'DCWhInj'), want(714, 'DCWhAbs')];
    const reader = await PointReader.prepare(transport, unit, map, [
      want(701, 'W'),
      want(701, 'TotWhInj'),
      want(701, 'TotWhAbs'),
      charge,
      ...cells,
    ]);
    const capacity = await readModel(transport, unit, map.first(702));
    const capacityWh = (await readModel(transport, unit, map.first(713, 802))).required('WHRtg');
    this.#state = ([powerW = 0, acDischarge = 0, acCharge = 0, stateOfCharge = 0, dcDischarge, dcCharge]) => ({
      powerW: this.plausiblePower(powerW),
      stateOfCharge,
      energies: async () => ({
        acChargeWh: Wh(acCharge),
        acDischargeWh: Wh(acDischarge),
        dcChargeWh: Wh(dcCharge ?? acCharge),
        dcDischargeWh: Wh(dcDischarge ?? acDischarge),
      }),
    });
    const ratedW = capacity.required('WMaxRtg');
    const nameplate: BatteryNameplate = {
      ...identity,
      ratedW: W(ratedW),
      capacityWh: Wh(capacityWh),
      maxChargeW: W(capacity.integer('WChaRteMaxRtg') ?? ratedW),
      maxDischargeW: W(capacity.integer('WDisChaRteMaxRtg') ?? ratedW),
    };
    return { reader, nameplate, controls };
  }

  async #findLegacy(map: DeviceMap, identity: Identity): Promise<FoundDevice<BatteryNameplate>> {
    const { transport, unit } = this;
    const { id } = map.first(103, 102, 101);
    const controls = await legacyStorageControls(transport, unit, map);
    if (controls.modes.targetW === undefined) throw withoutSetpoint('OutWRte and InWRte of model 124');
    const reader = await PointReader.prepare(transport, unit, map, [want(id, 'W'), chargeIn(map)]);
    const { memory, clock } = this.#context;
    const energy = new BatteryEnergy(memory, clock, `the battery (unit ${unit} on ${transport.name})`);
    this.#state = ([power = 0, stateOfCharge = 0]) => {
      const powerW = this.plausiblePower(power);
      const energies = async (): ReturnType<BatteryState['energies']> => {
        const { chargeWh, dischargeWh } = await energy.take(powerW);
        return {
          acChargeWh: chargeWh,
          acDischargeWh: dischargeWh,
          dcChargeWh: chargeWh,
          dcDischargeWh: dischargeWh,
        };
      };
      return { powerW, stateOfCharge, energies };
    };
    const { ratedW, capacityWh, rates } = controls;
    const nameplate: BatteryNameplate = {
      ...identity,
      ratedW: W(ratedW),
      capacityWh: Wh(capacityWh),
      maxChargeW: W(Math.min(ratedW, rates.chargeW)),
      maxDischargeW: W(Math.min(ratedW, rates.dischargeW)),
    };
    return { reader, nameplate, controls };
  }
}

/** Where the device tells how full it is, hundredths of a percent. */
function chargeIn(map: DeviceMap): Wanted {
  const { id } = map.first(713, 802, 124);
  return id === 124 ? want(124, 'ChaState', 2) : want(id, 'SoC', 2);
}

const withoutSetpoint = (point: string): GridError =>
  new GridError('GTX-SUN-004', `The battery does not take setpoints in watts (${point})`, {
    hint: 'Check whether its firmware allows remote control.',
  });
