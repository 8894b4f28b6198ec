import { writeFileSync } from 'node:fs';
import { monotonicMs } from '#hal/wall.ts';
import { ControlLoop } from '#edge/control/loop.ts';

/** What a probe within the edge's process saw of its control loop, in the order of the seconds. */
export interface ProbeFile {
  /** By second: Unix time, and milliseconds after its begin at which the devices had been told. */
  readonly seconds: readonly (readonly [second: number, afterMs: number])[];
}

/** Loaded into the edge's process by `--import`: notes when each second's control is done, and writes it at the end. */
const file = process.env['GRIDTOKENX_PROBE'];
if (file !== undefined) {
  const seconds: [number, number][] = [];
  const { control } = Object.getOwnPropertyDescriptors(ControlLoop.prototype);
  const controlOf = control.value as typeof ControlLoop.prototype.control;
  ControlLoop.prototype.control = async function (sample, ...rest) {
    await controlOf.call(this, sample, ...rest);
    seconds.push([sample.time, monotonicMs() - (sample.time * 1000 - performance.timeOrigin)]);
  };
  process.once('exit', () => {
    const probe: ProbeFile = { seconds };
    writeFileSync(file, JSON.stringify(probe));
  });
}
