import type { UnixSeconds } from '#hal/units.ts';
import type { DeviceImage } from './device-image.ts';
import type { ModelId } from './device-map.ts';
import { RevertTimer } from './revert-timer.ts';

/** A control of a device that falls back by itself. */
export interface RevertingControl {
  readonly model: ModelId;
  /** The points that make up the control: a write to any of them starts its timer anew. */
  readonly points: readonly string[];
  /** The point that holds the seconds; one of `points`. */
  readonly timer: string;
  /** The point that shows the seconds left, where the model has one. */
  readonly remaining?: string;
  /** The control holds something that can revert. */
  readonly isActive: (image: DeviceImage) => boolean;
  readonly revert: (image: DeviceImage) => void;
}

interface RunningControl {
  readonly control: RevertingControl;
  /** The points that make it up, as `onWrite` is told of them. */
  readonly names: ReadonlySet<string>;
  readonly timer: RevertTimer;
}

/** A point that shows the seconds left of a timer. */
interface Shown {
  readonly timer: RevertTimer;
  readonly write: (seconds: number) => void;
  /** What it shows; it is the device's own, nobody else writes it. */
  seconds: number | undefined;
}

const none: readonly ModelId[] = [];

/** The revert timers of a twin, by the site's clock. */
export class RevertTimers {
  readonly #image: DeviceImage;
  readonly #controls: readonly RunningControl[];
  readonly #shown: readonly Shown[];
  /** Of the timers: they are looked at each second, and mostly none is due. */
  #nextDue = Infinity;

  constructor(image: DeviceImage, controls: readonly RevertingControl[]) {
    this.#image = image;
    this.#controls = controls.map((control) => {
      const names = new Set(control.points.map((point) => `${control.model}.${point}`));
      return { control, names, timer: new RevertTimer() };
    });
    this.#shown = this.#controls.flatMap(({ control: { model, remaining }, timer }) =>
      remaining === undefined ? [] : [{ timer, write: image.writer(model, remaining), seconds: undefined }],
    );
  }

  /** To be called with the names of the points written. */
  onWrite(names: readonly string[], now: UnixSeconds): void {
    for (const { control, names: own, timer } of this.#controls) {
      if (!names.some((name) => own.has(name))) continue;
      const seconds = control.isActive(this.#image) ? this.#image.point(control.model, control.timer).get() : undefined;
      if (seconds === undefined) timer.disarm();
      else timer.arm(now, seconds);
    }
    this.#look();
  }

  /** Reverts what is due; the models that changed. */
  run(now: UnixSeconds): readonly ModelId[] {
    if (now < this.#nextDue) return none;
    const reverted: ModelId[] = [];
    for (const { control, timer } of this.#controls) {
      if (now < timer.dueAt) continue;
      timer.disarm();
      control.revert(this.#image);
      reverted.push(control.model);
    }
    this.#look();
    return reverted;
  }

  /** Shows in the registers what is left of each timer. */
  show(now: UnixSeconds): void {
    for (const shown of this.#shown) {
      const seconds = shown.timer.remaining(now);
      if (seconds === shown.seconds) continue;
      shown.write(seconds);
      shown.seconds = seconds;
    }
  }

  #look(): void {
    this.#nextDue = Infinity;
    for (const { timer } of this.#controls) this.#nextDue = Math.min(this.#nextDue, timer.dueAt);
  }
}
