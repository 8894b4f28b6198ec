import type { Clock } from '#hal/clock.ts';
import { W, Wh } from '#hal/units.ts';
import type { InverterReading, Nameplate, PvInverter } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { DeviceMap } from './device-map.ts';
import { ieee1547Controls } from './ieee1547-controls.ts';
import { legacyControls } from './legacy-controls.ts';
import { PointReader, want } from './point-reader.ts';
import { type FoundDevice, type Identity, SunSpecDevice } from './sunspec-device.ts';

/**
 * A PV inverter with SunSpec models 1, 701, 702 and 704 (703, 705 to 712 and 715 where it has them), or else 1, 101 to 103,
 * 120 and 123 (121 where it has it). One Modbus read a sample, and with 715 a
 * read and a write more.
 * With model 123 a limit falls back to none when its timer runs out: refresh well before; and `generationWh` starts
 * again from 0 when the 32-bit counter of the device is full.
 */
export class SunSpecInverter extends SunSpecDevice<Nameplate> implements PvInverter {
  constructor(transport: RegisterTransport, unit: number, clock: Pick<Clock, 'now'>) {
    super('inverter', transport, unit, clock);
  }

  async read(): Promise<InverterReading> {
    const [powerW, generationWh] = (await this.readSample()) as [number, number];
    return { powerW: this.plausiblePower(powerW), generationWh: Wh(generationWh) };
  }

  limitPower(w: W | null, revertSeconds: number): Promise<void> {
    return this.setMode('limitW', w, { revertSeconds });
  }

  protected async find(map: DeviceMap, identity: Identity): Promise<FoundDevice<Nameplate>> {
    const { transport, unit } = this;
    if (map.find(701) && map.find(702) && map.find(704)) {
      const controls = await ieee1547Controls(transport, unit, map);
      const reader = await PointReader.prepare(transport, unit, map, [want(701, 'W'), want(701, 'TotWhInj')]);
      return { reader, nameplate: { ...identity, ratedW: W(controls.ratings.maxW) }, controls };
    }
    const measurement = map.first(103, 102, 101);
    const controls = await legacyControls(transport, unit, map);
    const wanted = [want(measurement.id, 'W'), want(measurement.id, 'WH')];
    const reader = await PointReader.prepare(transport, unit, map, wanted);
    return { reader, nameplate: { ...identity, ratedW: W(controls.ratedW) }, controls };
  }
}
