import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UnixSeconds } from '#hal/units.ts';
import { delay, everyWall, wallSeconds } from '#hal/wall.ts';
import { prepareIdentities } from '#cli/campus/identities.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { programEnvironment } from '../program-environment.ts';
import { capacityWh, Field, ratedPvW, ratedStorageW, type Second, units } from './field.ts';

const at = (port: number | undefined): string => `{ tcp: "127.0.0.1:${port}" }`;

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
export const exportLimitW = 2_000;

/**
 * `gridtokenx edge` as a process of its own before twins in this one, whose time goes with the wall's and can be let
 * run ahead: what a device does without its board is then seen at once.
 */
export class EdgeBench implements AsyncDisposable {
  readonly field: Field;
  readonly boardPath: string;
  loadW = 6_000;
  readonly #folder: string;
  readonly #resources = new AsyncDisposableStack();
  readonly #children = new Set<ChildProcess>();
  #identity = '';
  #ahead = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.boardPath = join(folder, 'board.yaml');
    this.field = this.#resources.use(
      new Field({
        clock: { now: () => this.now() },
        pvW: () => 9_000,
        loadW: () => this.loadW,
        charge: 100,
        meter: 'sdm630',
        hasBattery: true,
      }),
    );
  }

  static async start(t: TestContext): Promise<EdgeBench> {
    const bench = new EdgeBench(temporaryFolder(t, 'edge'));
    t.after(() => bench[Symbol.asyncDispose]());
    await bench.#start();
    return bench;
  }

  now(): UnixSeconds {
    return UnixSeconds(wallSeconds() + this.#ahead);
  }

  /** Lets the devices live so many seconds at once; what was measured in them. */
  pass(seconds: number): readonly Second[] {
    const from = this.field.seconds.length;
    for (let i = 0; i < seconds; i++) {
      this.#ahead++;
      this.field.advanceTo(this.now());
    }
    return this.field.seconds.slice(from);
  }

  get newest(): Second {
    return this.field.seconds.at(-1)!;
  }

  async until(what: string, isSo: (second: Second) => boolean, seconds = 30): Promise<void> {
    for (let waited = 0; !isSo(this.newest); waited += 0.1) {
      if (waited > seconds) throw new Error(`${what}: not within ${seconds} s, ${JSON.stringify(this.newest)}`);
      await delay(100);
    }
  }

  /** Starts the program; `data` is its folder, `more` what else it is told. */
  edge(data = 'data', board = this.boardPath, more: readonly string[] = []) {
    const args = ['edge', '--board', board, '--server', 'https://127.0.0.1:1/dcap', '--identity', this.#identity];
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, ...args, '--data', resolve(this.#folder, data), ...more],
      { env: programEnvironment({ GRIDTOKENX_LOG: 'silent' }), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#children.add(child);
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const ended = once(child, 'close') as Promise<[code: number | null]>;
    return { child, ended, told: () => told };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await this.#resources.disposeAsync();
  }

  async #start(): Promise<void> {
    await this.field.start();
    this.field.advanceTo(this.now());
    this.#resources.use(
      everyWall(100, () => {
        if (this.now() > this.newest.time) this.field.advanceTo(this.now());
      }),
    );
    this.#writeBoard();
    const file = loadBoardFile(this.boardPath);
    const { boardsFolder } = await prepareIdentities(join(this.#folder, 'ca'), join(this.#folder, 'identities'), [
      file,
    ]);
    this.#identity = join(boardsFolder, file.meterId);
  }

  #writeBoard(): void {
    const { clamps, inverter, battery } = this.field.ports;
    writeFileSync(
      this.boardPath,
      `meterId: FAULTS_001
name: Faults
building: residential
zone: campus
location: { latitude: 37, longitude: -122, timeZone: UTC }
connection: { importLimitW: 20000, exportLimitW: ${exportLimitW} }
hal: real
devices:
  clamps: { driver: sdm630, unit: ${units.clamps}, gridChannel: 1, port: ${at(clamps)} }
  inverter: { driver: sunspec-inverter, unit: ${units.inverter}, ratedW: ${ratedPvW}, port: ${at(inverter)} }
  battery: { driver: sunspec-battery, unit: ${units.battery}, ratedW: ${ratedStorageW}, capacityWh: ${capacityWh}, reservePercent: 10, port: ${at(battery)} }
`,
    );
  }
}
