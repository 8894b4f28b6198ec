import { isDeepStrictEqual } from 'node:util';
import { VirtualWall } from '#hal/emulated/virtual-wall.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { Frame, RecordedFrame } from '#hal/recording/frame.ts';
import { msOf } from '#hal/recording/replayed-bytes.ts';
import type { Recording } from '#hal/recording/recording.ts';
import { UnixSeconds } from '#hal/units.ts';
import { replaceWallTime, wallSeconds } from '#hal/wall.ts';
import { meterBoundsOf } from '../meter-watch.ts';
import { PassingMemory } from '../runtime/device-memory.ts';
import { makeDevices } from '../runtime/make-devices.ts';
import { type BoardDevices, emptyRegisters, Sampler } from '../sampler.ts';
import type { PlainSample } from './board-frames.ts';
import { boardIn } from './recorded-board.ts';
import { type ReplayScript, replayScript, type Scene, type Step } from './replay-script.ts';
import { ReplayedWires } from './replayed-wires.ts';

export interface ReplayedSample {
  readonly replayed: PlainSample;
  /** What the board took it for when it was recorded; `undefined` where the recording ends before. */
  readonly recorded: PlainSample | undefined;
  readonly isSame: boolean;
}

export interface BoardReplayOptions {
  readonly recording: Recording;
  /** Seconds of the recording a second; `max` unless told. */
  readonly speed?: number | 'max';
  readonly log: Log;
  /** Called for each sample when it is taken. */
  readonly onSample?: (sample: ReplayedSample) => void;
  readonly signal?: AbortSignal;
}

export interface ReplayReport {
  readonly samples: number;
  /** Samples that are other than those of the recording. */
  readonly differing: number;
  /** Modbus requests that the recording does not have. */
  readonly unrecorded: number;
  /** Frames that the recorder had no room for. */
  readonly lost: number;
}

/** What was done at the end of something that does not end in the replay is done so much later. */
const patienceMs = 500;
const beforeTimers = -1;
/** Samples that were begun are waited for so long. */
const lastMs = 10_000;

/**
 * Runs the board's own program for its devices, buses, drivers and sampler, from a recording: everything that was asked
 * is asked again at its time, and the wires answer as they did. The whole process lives in the recording's time
 * meanwhile: one replay at a time. Rejects with `GTX-REC-006` for a board that this program does not know.
 */
export async function replayBoard(options: BoardReplayOptions): Promise<ReplayReport> {
  const { recording, speed = 'max', log, signal } = options;
  const { header, frames } = recording;
  const file = boardIn(recording);
  const wall = new VirtualWall({ unixMs: header.startedAtMs, speed });
  using _time = replaceWallTime(wall);
  await using resources = new AsyncDisposableStack();
  const wires = resources.use(new ReplayedWires(recording, wall));
  const made = makeDevices({
    file,
    clock: { now: wallSeconds },
    wireOf: (device) => wires.wireOf(device),
    memoryOf: (role) => new PassingMemory(memoryIn(recording, role)),
  });
  const devices: BoardDevices =
    header.frameSeconds === undefined ? made : { ...made, frameSeconds: header.frameSeconds };
  for (const device of [devices.meter, devices.ripple, devices.contactor]) if (device) resources.use(device);
  const sampler = new Sampler(devices, emptyRegisters, log, undefined, meterBoundsOf(file));
  const stage = new Stage({ wall, devices, sampler, script: replayScript(frames), options });
  stage.begin();
  setClocks(wall, frames);
  const last = frames.at(-1);
  await wall.runTo((last === undefined ? 0 : msOf(last)) + lastMs, signal);
  const [failure] = stage.failures;
  if (failure !== undefined) {
    const message = `${recording.path} cannot be replayed: ${reasonOf(failure)}`;
    throw new GridError('GTX-REC-006', message, { hint: `Version ${header.software} recorded it.`, cause: failure });
  }
  return { ...stage.report, unrecorded: wires.unrecorded, lost: lostIn(frames) };
}

interface StageOptions {
  readonly wall: VirtualWall;
  readonly devices: BoardDevices;
  readonly sampler: Sampler;
  readonly script: ReplayScript;
  readonly options: Pick<BoardReplayOptions, 'onSample'>;
}

/** Where the script is played. */
class Stage {
  readonly report = { samples: 0, differing: 0 };
  /** What nobody would have dealt with. */
  readonly failures: unknown[] = [];
  readonly #options: StageOptions;
  /** Scenes by the step whose end they wait for. */
  readonly #waiting = new Map<number, Scene[]>();

  constructor(options: StageOptions) {
    this.#options = options;
    for (const scene of options.script.scenes) {
      if (scene.after === undefined) continue;
      const others = this.#waiting.get(scene.after);
      if (others === undefined) this.#waiting.set(scene.after, [scene]);
      else others.push(scene);
    }
  }

  begin(): void {
    this.#schedule(0);
  }

  /** The scenes one after the other: of a long recording few are scheduled at a time. */
  #schedule(place: number): void {
    const { wall, script } = this.#options;
    const scene = script.scenes[place];
    if (scene === undefined) return;
    const isOfTime = scene.after === undefined;
    const play = (): void => {
      if (isOfTime) this.#play(scene);
      else wall.at(scene.ms + patienceMs, () => this.#playLate(scene));
      this.#schedule(place + 1);
    };
    // A second was waited for longer than anything that a device is given.
    wall.at(scene.ms, play, scene.steps[0]?.kind === 'sampling' ? beforeTimers : scene.place);
  }

  #play(scene: Scene): void {
    for (const step of scene.steps) {
      this.#step(step)
        .catch((error: unknown) => {
          // Whoever asked then has dealt with it.
          if (!(error instanceof GridError)) this.failures.push(error);
        })
        .finally(() => this.#ended(step))
        .catch((error: unknown) => this.failures.push(error));
    }
  }

  #ended({ number }: Step): void {
    const { wall } = this.#options;
    const scenes = this.#waiting.get(number) ?? [];
    this.#waiting.delete(number);
    // Once the buses have come to rest, as the board's own way from an answer to a call is longer than theirs.
    for (const scene of scenes) wall.at(wall.monotonicMs(), () => this.#play(scene));
  }

  #playLate(scene: Scene): void {
    const waiting = this.#waiting.get(scene.after ?? 0);
    if (waiting?.includes(scene) !== true) return;
    waiting.splice(waiting.indexOf(scene), 1);
    this.#play(scene);
  }

  async #step(step: Step): Promise<void> {
    const { wall, devices, sampler } = this.#options;
    if (step.kind === 'sampling') {
      wall.setUnixMs(step.unixMs);
      this.#take(step.number, await sampler.sample(UnixSeconds(step.now)));
      return;
    }
    const device: object | undefined = step.role === 'clamps' ? devices.meter : devices[step.role];
    const method: unknown = device === undefined ? undefined : Reflect.get(device, step.method);
    if (typeof method === 'function') await Reflect.apply(method, device, step.args);
  }

  #take(number: number, sample: object): void {
    const { script, options } = this.#options;
    const replayed = JSON.parse(JSON.stringify(sample)) as PlainSample;
    const recorded = script.samples.get(number);
    const isSame = recorded === undefined || isDeepStrictEqual(replayed, recorded);
    this.report.samples++;
    if (!isSame) this.report.differing++;
    options.onSample?.({ replayed, recorded, isSame });
  }
}

/** The wall is set when it was. */
function setClocks(wall: VirtualWall, frames: readonly RecordedFrame[]): void {
  for (const frame of frames) {
    const unixMs = frame.kind === 'clock' ? Number(frame.body.toString()) : Number.NaN;
    if (Number.isSafeInteger(unixMs)) wall.at(msOf(frame), () => wall.setUnixMs(unixMs), frame.place);
  }
}

function lostIn(frames: readonly Frame[]): number {
  return frames.reduce((sum, { kind, body }) => (kind === 'lost' ? sum + (Number(body.toString()) || 0) : sum), 0);
}

function memoryIn({ path, header }: Recording, role: string): unknown {
  const text = header.devices[role]?.memory;
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `${path}: what the ${role} remembered is damaged`;
    throw new GridError('GTX-REC-006', message, { kind: 'input', cause: error });
  }
}
