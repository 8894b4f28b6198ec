import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GridError } from '#hal/errors.ts';
import { RealClock } from '#hal/real-clock.ts';
import type { Role, Wire, Wires } from '#drivers/driver.ts';
import { type BoardDevice, devicesOf } from '#edge/board-devices.ts';
import { type BoardFile, loadBoardFile } from '#edge/board-file.ts';
import { BoardSite } from '#edge/runtime/board-site.ts';
import { holdDevices } from '#edge/runtime/device-holds.ts';
import type { BoardDevices } from '#edge/sampler.ts';
import { DataFolder } from '../campus/data-folder.ts';

/** Where `gridtokenx edge` keeps a board's things unless told. */
export const defaultData = 'data/edge';

export interface SiteFlags {
  readonly board: string;
  /** The data folder of the board, where it has run already. */
  readonly data: string;
}

/** A board's site, opened to be looked at and tried by hand: no head-end, no outbox. */
export interface OpenSite {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly clock: RealClock;
  /** What each device is wired to. */
  readonly wires: ReadonlyMap<Role, Wires[Wire]>;
  /** Rejects when something that must go on by the clock has failed; pending otherwise. */
  readonly failed: Promise<never>;
}

/**
 * Opens the site of a board file; `cleanup` closes it. A board that runs keeps its site to itself: two writers would
 * contradict each other. Rejects with GTX-CMS-001 or GTX-EDG-043 for one that runs, GTX-BRD-…
 * and GTX-DAT-….
 */
export async function openSite(
  { board, data }: SiteFlags,
  cleanup: AsyncDisposableStack,
  through: (device: BoardDevice, wire: Wires[Wire]) => Wires[Wire] = (_device, wire) => wire,
): Promise<OpenSite> {
  const file = loadBoardFile(board);
  const dataFolder = await folderFor(data, cleanup);
  cleanup.use(await holdDevices(file));
  const failed = Promise.withResolvers<never>();
  // Whoever waits for it is told; when nobody does, nothing went on by the clock.
  failed.promise.catch(() => undefined);
  const clock = new RealClock({
    onEnd: (_name, failure) => {
      if (failure !== undefined) failed.reject(failure);
    },
    onSkipped: () => undefined,
  });
  const wires = new Map<Role, Wires[Wire]>();
  const site = cleanup.use(
    new BoardSite({
      file,
      clock,
      dataFolder,
      seed: 1,
      through: (device, wire) => {
        wires.set(device.role, wire);
        return through(device, wire);
      },
    }),
  );
  const devices = await site.start();
  const ending = new AbortController();
  const running = clock.run(ending.signal);
  cleanup.defer(async () => {
    ending.abort(new Error('done'));
    await running;
  });
  return { file, devices, clock, wires, failed: failed.promise };
}

/** The devices of a board in the order of their roles; all, or the one of a role. Throws GTX-CMS-002. */
export function devicesIn(file: BoardFile, role: string | undefined): readonly BoardDevice[] {
  const devices = devicesOf(file);
  const wanted = role === undefined ? devices : devices.filter((device) => device.role === role);
  if (wanted.length > 0) return wanted;
  const has = devices.map((device) => device.role).join(', ');
  throw new GridError('GTX-CMS-002', `${file.path} has no ${role}`, { kind: 'input', hint: `It has ${has}.` });
}

/** The board's own folder, so that what its devices remember goes on; one that passes where it never ran. */
async function folderFor(data: string, cleanup: AsyncDisposableStack): Promise<string> {
  if (existsSync(data)) {
    const folder = await DataFolder.open(data).catch((error: unknown) => {
      if (!(error instanceof GridError) || error.code !== 'GTX-DAT-003') throw error;
      throw new GridError('GTX-CMS-001', `The board of ${data} runs: its devices obey one program at a time`, {
        hint: 'Stop it first (`systemctl stop gridtokenx`, or Ctrl-C); `gridtokenx explain METER --board` asks one that runs.',
        cause: error,
      });
    });
    cleanup.use(folder);
    return folder.folder('boards');
  }
  const passing = await mkdtemp(join(tmpdir(), 'gtx-site-'));
  cleanup.defer(() => rm(passing, { recursive: true, force: true }));
  return passing;
}
