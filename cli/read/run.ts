import { GridError } from '#hal/errors.ts';
import { delay, msToNextSecond } from '#hal/wall.ts';
import type { MeasuredPoint } from '#drivers/commissioning/measured-points.ts';
import { devicesIn, openSite } from '../commission/open-site.ts';
import type { ReadOptions } from '../read.ts';
import { untilStopped } from '../stop-signals.ts';
import { type Source, sourceAt, sourceOf } from './sources.ts';

/** What came of reading one device. */
interface Reading {
  readonly device: string;
  readonly points: readonly MeasuredPoint[];
  readonly fault: GridError | undefined;
}

const clearScreen = '\u001b[2J\u001b[H';

/** Reads and prints, once or until it is stopped. Rejects with GTX-CMS-005 where a device could not be read. */
export async function runRead(what: string | undefined, options: ReadOptions): Promise<void> {
  using stopping = untilStopped();
  await using cleanup = new AsyncDisposableStack();
  const sources = await sourcesFor(what, options, cleanup);
  for (;;) {
    const readings = await Promise.all(sources.map(readingOf));
    print(readings, options);
    if (options.watch !== true) {
      const [silent] = readings.filter(({ fault }) => fault !== undefined);
      if (silent === undefined) return;
      throw new GridError('GTX-CMS-005', `${silent.device} could not be read: ${silent.fault?.code}`, {
        hint: silent.fault?.hint ?? '`gridtokenx detect` tells who is there.',
        cause: silent.fault,
      });
    }
    if (!(await isNextSecond(stopping.signal))) return;
  }
}

async function sourcesFor(
  what: string | undefined,
  options: ReadOptions,
  cleanup: AsyncDisposableStack,
): Promise<readonly Source[]> {
  if (options.board === undefined) return [sourceAt(what ?? '', options, cleanup)];
  const site = await openSite({ board: options.board, data: options.data }, cleanup);
  return devicesIn(site.file, what).map((device) => sourceOf(device, site, options.all === true));
}

async function readingOf({ name, read }: Source): Promise<Reading> {
  try {
    return { device: name, points: await read(), fault: undefined };
  } catch (error) {
    if (!(error instanceof GridError)) throw error;
    return { device: name, points: [], fault: error };
  }
}

const isNextSecond = (signal: AbortSignal): Promise<boolean> =>
  delay(msToNextSecond(), signal).then(
    () => true,
    () => false,
  );

function print(readings: readonly Reading[], { json, watch }: ReadOptions): void {
  if (json === true) {
    const plain = readings.map(({ device, points, fault }) => ({
      device,
      points,
      ...(fault && { fault: { code: fault.code, message: fault.message } }),
    }));
    process.stdout.write(`${watch === true ? JSON.stringify(plain) : JSON.stringify(plain, null, 2)}\n`);
    return;
  }
  if (watch === true && process.stdout.isTTY) process.stdout.write(clearScreen);
  process.stdout.write(readings.map(textOf).join('\n'));
}

function textOf({ device, points, fault }: Reading): string {
  if (fault !== undefined) return `${device}\n  ${fault.describe().replaceAll('\n', '\n  ')}\n`;
  if (points.length === 0) return `${device}\n  It measures nothing.\n`;
  const groups = Map.groupBy(points, ({ group }) => group);
  return `${device}\n${[...groups].map(([group, own]) => `  ${group}\n${own.map(lineOf).join('')}`).join('')}`;
}

/** More digits than a float register holds say nothing. */
const floatDigits = 7;
const shown = (value: number | string | null): string => {
  if (value === null) return '–';
  return typeof value === 'number' && !Number.isInteger(value)
    ? `${Number(value.toPrecision(floatDigits))}`
    : `${value}`;
};

const lineOf = ({ name, value, unit = '' }: MeasuredPoint): string =>
  `    ${name.padEnd(26)} ${shown(value).padStart(14)} ${unit}`.trimEnd() + '\n';
