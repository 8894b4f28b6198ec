import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, type ModelBlock, type ModelId, modelTable } from './device-map.ts';
import { models } from './models.generated.ts';
import { PlacedModel } from './placed-model.ts';

/** The points of a model that has them: a switch, and the heartbeats of both ends. */
interface HeartbeatModel {
  readonly id: ModelId;
  readonly device: string;
  readonly controller: string;
}

/** Of a device that has both, 715 is that of the whole and 802 that of its battery. */
const heartbeatModels: readonly HeartbeatModel[] = [
  { id: 715, device: 'DERHb', controller: 'ControllerHb' },
  { id: 802, device: 'Hb', controller: 'CtrlHb' },
];

/** The same in both models. */
const { LOCAL } = models[802].points.LocRemCtl.symbols;
/** A device that has not counted on in so many samples is stuck, and what it shows is old. */
const mostStill = 30;

/**
 * Keeps a device under the board's control: says once a sample that the board is alive, sees that the device is, and
 * that nobody has switched it to local control. Errors: `GTX-SUN-013`, `GTX-SUN-014`.
 */
export class RemoteControl {
  readonly #transport: RegisterTransport;
  readonly #unit: number;
  readonly #model: PlacedModel;
  readonly #points: HeartbeatModel;
  readonly #where: string;
  readonly #registers: number;
  #beats = 0;
  /** When a beat saw last how the device is switched. */
  #lookedAt: UnixSeconds | undefined;
  #seen: number | undefined;
  #still = 0;

  private constructor(transport: RegisterTransport, unit: number, model: PlacedModel, points: HeartbeatModel) {
    this.#transport = transport;
    this.#unit = unit;
    this.#model = model;
    this.#points = points;
    this.#where = `unit ${unit} on ${transport.name}`;
    const { at, size } = modelTable(points.id).points[points.controller]!;
    this.#registers = at + size;
  }

  /** `undefined` for a device that has neither model. */
  static async find(transport: RegisterTransport, unit: number, map: DeviceMap): Promise<RemoteControl | undefined> {
    const points = heartbeatModels.find(({ id }) => map.find(id) !== undefined);
    if (points === undefined) return undefined;
    const block: ModelBlock & { readonly id: ModelId } = map.first(points.id);
    return new RemoteControl(transport, unit, await PlacedModel.read(transport, unit, block), points);
  }

  /** To be called with every sample. */
  async beat(now: UnixSeconds): Promise<void> {
    const { device, controller } = this.#points;
    if (this.#model.has(controller)) {
      this.#beats = (this.#beats + 1) % 0x8000;
      const { at, size } = this.#model.point(controller);
      const registers = Buffer.alloc(2 * size);
      registers.writeUInt16BE(this.#beats, registers.length - 2);
      await this.#transport.writeHolding(this.#unit, this.#model.address + at, registers);
    }
    await this.#model.refresh(this.#registers);
    this.#lookedAt = now;
    const seen = this.#model.raw(device);
    this.#still = seen !== undefined && seen === this.#seen ? this.#still + 1 : 0;
    this.#seen = seen;
    if (this.#still < mostStill) return;
    const hint = 'Restart the device: its Modbus server still answers, but nothing stands behind it any more.';
    throw new GridError('GTX-SUN-014', `${this.#where}: the heartbeat stands still; what it shows is old`, { hint });
  }

  /** Before a setpoint is written: a device in local control takes it and does nothing. What this second's beat saw holds. */
  async check(now: UnixSeconds): Promise<void> {
    if (this.#lookedAt !== now) await this.#model.refresh(this.#registers);
    if (this.#model.raw('LocRemCtl') !== LOCAL) return;
    throw new GridError('GTX-SUN-013', `${this.#where} is switched to local control`, {
      hint: 'Switch it to remote control at the device, once whoever works on it has finished.',
    });
  }
}
