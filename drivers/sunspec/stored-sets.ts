import { GridError } from '#hal/errors.ts';
import { delay } from '#hal/wall.ts';
import type { ModeSupport } from '../grid-support.ts';
import { keptTimer } from './kept-timer.ts';
import type { PlacedModel } from './placed-model.ts';
import type { RawValues } from './point-writer.ts';

const [disabled, enabled] = [0, 1] as const;
const readWrite = 0;
const [inProgress, completed] = [0, 1] as const;
const adoptionPolls = 20;
const adoptionPollMs = 100;

/** The names of a model whose sets are stored and then adopted; the first set is the active one. */
interface SetNames {
  readonly group: 'Crv' | 'Ctl';
  readonly count: 'NCrv' | 'NCtl' | 'NCrvSet';
  readonly request: string;
  readonly result: string;
}

export const curveNames: SetNames = { group: 'Crv', count: 'NCrv', request: 'AdptCrvReq', result: 'AdptCrvRslt' };
export const controlNames: SetNames = { group: 'Ctl', count: 'NCtl', request: 'AdptCtlReq', result: 'AdptCtlRslt' };
export const tripNames: SetNames = { ...curveNames, count: 'NCrvSet' };

/** Stores sets in a device and lets it adopt them (SunSpec models 705 to 712). Sets are counted from 0 here. */
export class StoredSets {
  readonly model: PlacedModel;
  readonly #names: SetNames;
  #last: Promise<void> = Promise.resolve();

  constructor(model: PlacedModel, names: SetNames) {
    this.model = model;
    this.#names = names;
  }

  /** Orders to one model go one after the other: they use the same set. */
  inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(task);
    // Whoever gave the order hears of its failure; the next one goes on.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  prefix(set: number): string {
    return `${this.#names.group}[${set}].`;
  }

  /** The set that the device falls back to by itself; `undefined` where it has none or no timer. */
  get reversion(): number | undefined {
    const { model } = this;
    const set = (model.raw(`Rvrt${this.#names.group}`) ?? 0) - 1;
    return model.has('RvrtTms') && set > 0 && set < this.#count ? set : undefined;
  }

  /** One that may be written and is not the one to fall back to. Errors: `GTX-SUN-004` when there is none. */
  workSet(): number {
    for (let set = 1; set < this.#count; set++) {
      if (set !== this.reversion && this.model.raw(`${this.prefix(set)}ReadOnly`) === readWrite) return set;
    }
    throw new GridError('GTX-SUN-004', `Model ${this.model.id} of the device has no curve that may be written`, {
      hint: 'Check the device type and its firmware.',
    });
  }

  /** The last set, when it is the factory's. */
  get factorySet(): number | undefined {
    const last = this.#count - 1;
    return last > 0 && this.model.raw(`${this.prefix(last)}ReadOnly`) !== readWrite ? last : undefined;
  }

  /** Writes a set, arms the timer, has the set adopted and switches the function on, in this order. */
  async put(set: number, values: RawValues, revertSeconds: number): Promise<void> {
    const { model, reversion } = this;
    const RvrtTms = reversion === undefined ? 0 : model.toRaw('RvrtTms', revertSeconds);
    await model.write(values, '');
    if (model.has('RvrtTms')) await model.write({ RvrtTms }, 'RvrtTms', keptTimer('RvrtTms'));
    await this.adopt(set);
    await model.write({ Ena: enabled }, 'Ena');
  }

  /** The device's own set follows, or the function is switched off where it has none. */
  async end(): Promise<void> {
    const { model, reversion } = this;
    if (reversion === undefined) {
      await model.write({ Ena: disabled }, 'Ena');
      return;
    }
    await model.write({ RvrtTms: 0 }, 'RvrtTms');
    await this.adopt(reversion);
  }

  /** @param maxPoints where the sets are curves */
  support(maxPoints?: number): ModeSupport {
    const reverts = this.reversion === undefined ? 'never' : 'toDefault';
    return { reverts, ramps: false, ...(maxPoints === undefined ? {} : { maxPoints }) };
  }

  /** Errors: `GTX-SUN-012` when the device does not adopt it. */
  async adopt(set: number): Promise<void> {
    const { model } = this;
    const { request, result } = this.#names;
    // What the register shows afterwards is the device's own; the result tells.
    await model.write({ [request]: set + 1 }, request, () => true);
    for (let poll = 0; poll < adoptionPolls; poll++) {
      await model.refresh();
      const now = model.raw(result);
      if (now === completed) return;
      if (now !== inProgress) break;
      await delay(adoptionPollMs);
    }
    throw new GridError('GTX-SUN-012', `The device did not adopt curve ${set + 1} of model ${model.id}`, {
      hint: 'The curve does not suit the device: compare it with its data sheet.',
    });
  }

  get #count(): number {
    return this.model.raw(this.#names.count) ?? 0;
  }
}
