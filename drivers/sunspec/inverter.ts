import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import type { Nameplate, PvInverter, InverterReading } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, type ModelBlock, scanDevice } from './device-map.ts';
import { type ModelView, readModel } from './model-view.ts';
import { models } from './models.generated.ts';
import { PointReader, want } from './point-reader.ts';
import { checkRevertSeconds, checkSetpoint, notStarted, plausiblePower } from './setpoint.ts';
import { writeAndVerify } from './point-writer.ts';

interface Found {
  readonly reader: PointReader;
  readonly controls: ModelBlock & { readonly id: 123 };
  /** What 100 % of `WMaxLimPct` is. */
  readonly fullW: number;
  /** Steps of `WMaxLimPct` in 1 %. */
  readonly stepsPerPercent: number;
  readonly nameplate: Nameplate;
}

const { DISABLED, ENABLED } = models[123].points.WMaxLim_Ena.symbols;
const maxRevertSeconds = 0xfffe;

/**
 * A PV inverter with SunSpec models 1, 101 to 103, 120 and 123 (and 121, where it has one). One Modbus read a sample.
 * When its timer runs out, model 123 falls back to no limit: refresh well before.
 * `generationWh` starts again from 0 when the 32-bit counter of the device is full.
 */
export class SunSpecInverter implements PvInverter {
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

  async read(): Promise<InverterReading> {
    const { reader, nameplate } = this.#device();
    const [powerW, generationWh] = (await reader.read()) as [number, number];
    return { powerW: plausiblePower(powerW, nameplate), generationWh: Wh(generationWh) };
  }

  async limitPower(w: W | null, revertSeconds: number): Promise<void> {
    const { controls, fullW, stepsPerPercent } = this.#device();
    checkRevertSeconds(revertSeconds, maxRevertSeconds);
    if (w !== null) checkSetpoint(w, w >= 0);
    const limit = Math.min(w ?? fullW, fullW);
    const values = {
      WMaxLimPct: Math.floor((limit * 100 * stepsPerPercent) / fullW),
      WMaxLimPct_WinTms: 0,
      WMaxLimPct_RvrtTms: w === null ? 0 : revertSeconds,
      WMaxLimPct_RmpTms: 0,
      WMaxLim_Ena: w === null ? DISABLED : ENABLED,
    };
    await writeAndVerify(this.#transport, this.#unit, controls, values, (name, taken, written) => {
      if (name === 'WMaxLim_Ena') return taken === written;
      // A device with coarser steps may round a limit down, never up.
      return name !== 'WMaxLimPct' || (taken !== undefined && taken <= written);
    });
  }

  nameplate(): Nameplate {
    return this.#device().nameplate;
  }

  #device(): Found {
    if (this.#found === undefined) throw notStarted('inverter', this.#transport, this.#unit);
    return this.#found;
  }

  async #find(map: DeviceMap): Promise<Found> {
    const [transport, unit] = [this.#transport, this.#unit];
    const measurement = map.first(103, 102, 101);
    const controls = map.first(123);
    const reader = await PointReader.prepare(transport, unit, map, [
      want(measurement.id, 'W'),
      want(measurement.id, 'WH'),
    ]);
    const common = await readModel(transport, unit, map.first(1));
    const ratings = await readModel(transport, unit, map.first(120));
    const ratedW = ratings.required('WRtg');
    const settings = map.find(121) && (await readModel(transport, unit, map.first(121)));
    const fullW = settings?.integer('WMax') ?? ratedW;
    if (ratedW <= 0 || fullW <= 0) {
      throw new GridError('GTX-SUN-005', `The inverter says that its rating is ${Math.min(ratedW, fullW)} W`, {
        hint: 'Commission the inverter: its rating and WMax must be set.',
      });
    }
    const stepsPerPercent = stepsIn((await readModel(transport, unit, controls)).raw('WMaxLimPct_SF'));
    return { reader, controls, fullW, stepsPerPercent, nameplate: { ...identity(common), ratedW: W(ratedW) } };
  }
}

/** Who the device says it is (model 1). */
export const identity = (common: ModelView<1>): Omit<Nameplate, 'ratedW'> => ({
  manufacturer: common.text('Mn') ?? '',
  model: common.text('Md') ?? '',
  serial: common.text('SN') ?? '',
});

function stepsIn(exponent: number | undefined): number {
  if (exponent !== undefined && exponent <= 0) return 10 ** -exponent;
  throw new GridError('GTX-SUN-005', `The scale factor of WMaxLimPct is ${exponent}`, {
    hint: 'The device is too coarse to be limited: update its firmware.',
  });
}
