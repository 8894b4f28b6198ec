import type { PortsByKind } from '#hal/board.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { PortKind } from '#hal/port-file.ts';
import type { FrameKind } from '#hal/recording/frame.ts';
import { recordedPort } from '#hal/recording/recorded-ports.ts';
import { RecordingWriter } from '#hal/recording/recording-writer.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { monotonicMs, wallMs } from '#hal/wall.ts';
import type { DeviceMemory, Role } from '#drivers/driver.ts';
import type { BoardFile } from '../board-file.ts';
import type { BoardDevices, SiteSample } from '../sampler.ts';
import { type BoardFrameKind, type BoardFrames, deviceMethods } from './board-frames.ts';
import { recordedHeader } from './recorded-header.ts';

export interface RecordOptions {
  readonly path: string;
  /** The recording ends when it has so many bytes. */
  readonly maxBytes: number;
  /** The version of this program. */
  readonly software: string;
}

/** A wall that moves by so many milliseconds was set. */
const setMs = 20;

const isDeviceMethod = (name: string | symbol): name is (typeof deviceMethods)[number] =>
  deviceMethods.some((each) => each === name);

/** Records a board: what passes at its ports, what it asked of its devices, and its samples. */
export class BoardRecorder implements AsyncDisposable {
  readonly #options: RecordOptions;
  readonly #log: Log;
  #writer: RecordingWriter | undefined;
  #places: readonly string[] = [];
  /** Of what the board did last. */
  #number = 0;
  /** What the wall shows beyond the time since the program's start. */
  #aheadMs = 0;

  constructor(options: RecordOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /**
   * Begins the file; one that is there already is kept as `PATH.old`. A disk that refuses it keeps nothing else from
   * working: the log tells of it, and nothing is recorded.
   */
  async start(
    file: BoardFile,
    memoryOf: (role: Role) => DeviceMemory,
    frameSeconds: number | undefined,
  ): Promise<void> {
    const { path, maxBytes, software } = this.#options;
    const header = recordedHeader({ file, software, startedAtMs: wallMs(), memoryOf, frameSeconds });
    this.#places = header.ports.map(({ name }) => name);
    this.#aheadMs = header.startedAtMs - monotonicMs();
    const onEnd = (why: string, error?: Error): void => {
      if (error === undefined) this.#log.info({ path, why }, 'the recording has ended');
      else this.#log.error({ path, reason: error.message }, 'the recording has ended');
    };
    const writer = new RecordingWriter({ path, header, maxBytes, onEnd });
    try {
      await writer.start();
      this.#writer = writer;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#log.error({ path, reason: error.describe() }, 'nothing is recorded');
    }
  }

  /** The same port, recorded under its name. */
  port<Kind extends PortKind>(name: string, kind: Kind, port: PortsByKind[Kind]): PortsByKind[Kind] {
    const place = this.#places.indexOf(name);
    if (place < 0) throw new RangeError(`the recording has no port ${name}`);
    return recordedPort(kind, port, (frame, body) => this.#append(frame, place, body));
  }

  /** The same devices, of which calls and samples are recorded. */
  devices(devices: BoardDevices): BoardDevices {
    const { meter, inverter, battery } = devices;
    return {
      ...devices,
      meter: this.#recorded('clamps', meter),
      inverter: inverter && this.#recorded('inverter', inverter),
      battery: battery && this.#recorded('battery', battery),
      onSample: (now, taken) => this.#sample(now, taken),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { lost = 0 } = this.#writer ?? {};
    await this.#writer?.[Symbol.asyncDispose]();
    if (lost > 0) this.#log.warn({ path: this.#options.path, lost }, 'the disk was too slow for the recording');
  }

  #note<Kind extends BoardFrameKind>(kind: Kind, body: BoardFrames[Kind]): void {
    this.#append(kind, 0, Buffer.from(JSON.stringify(body)));
  }

  #append(kind: FrameKind, port: number, body: Buffer): void {
    const now = wallMs();
    const aheadMs = now - monotonicMs();
    if (Math.abs(aheadMs - this.#aheadMs) > setMs) {
      this.#writer?.append('clock', 0, Buffer.from(String(now)));
      this.#aheadMs = aheadMs;
    }
    this.#writer?.append(kind, port, body);
  }

  #sample(now: UnixSeconds, taken: Promise<SiteSample>): void {
    const number = ++this.#number;
    this.#note('sampling', { number, now, unixMs: wallMs() });
    taken.then(
      (sample) => this.#note('sampled', { number, sample: { ...sample } }),
      // Whoever samples learns of it.
      () => this.#note('answered', { number }),
    );
  }

  #recorded<Device extends object>(role: BoardFrames['call']['role'], device: Device): Device {
    return new Proxy(device, {
      get: (target, name): unknown => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (!isDeviceMethod(name)) return value.bind(target);
        return (...args: unknown[]): unknown => {
          const number = ++this.#number;
          this.#note('call', { number, role, method: name, args });
          const answer: unknown = Reflect.apply(value, target, args);
          const answered = (): void => this.#note('answered', { number });
          // Whoever calls learns of its failure.
          Promise.resolve(answer).then(answered, answered);
          return answer;
        };
      },
    });
  }
}
