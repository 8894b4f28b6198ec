import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '#hal/errors.ts';
import { isoTime, type UnixSeconds } from '#hal/units.ts';
import { type Finding, fault, ok, systemFault, warning } from './finding.ts';

const leastNode = 24;

export function checkNode(version: string): Finding {
  const major = Number(/^v(\d+)/.exec(version)?.[1]);
  if (major >= leastNode) return ok('node', version);
  return fault(
    'node',
    `${version} is too old`,
    `Install the packages of this program again: they bring Node ${leastNode}.`,
  );
}

/** The year in which this was written: a clock before it was never set. */
const written = Date.parse('2026-01-01T00:00:00Z') / 1000;

/** `isSynchronised`: as the system says; `undefined` where nothing does. */
export function judgeClock(now: UnixSeconds, isSynchronised: boolean | undefined, hasRtc: boolean): readonly Finding[] {
  const time = isoTime(now);
  const hint = 'Let it have a time server: `timedatectl set-ntp true`; certificates and readings go by the time.';
  if (now < written) return [fault('clock', `it is not set: it says ${time}`, hint)];
  const rtc = hasRtc
    ? []
    : [
        warning(
          'clock battery',
          'there is no real-time clock',
          'After a power cut without a network the time is wrong: fit one.',
        ),
      ];
  if (isSynchronised === true) return [ok('clock', `${time}, synchronised`), ...rtc];
  const told = isSynchronised === false ? 'it is not synchronised' : 'nothing here says that it is synchronised';
  return [warning('clock', `${time}, ${told}`, hint), ...rtc];
}

export async function checkClock(now: UnixSeconds): Promise<readonly Finding[]> {
  const isSynchronised = existsSync('/run/systemd/timesync/synchronized') || (await askTimedate());
  return judgeClock(now, isSynchronised, existsSync('/dev/rtc0'));
}

async function askTimedate(): Promise<boolean | undefined> {
  try {
    const { stdout } = await promisify(execFile)('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
    const answer = stdout.trim();
    return answer === 'yes' ? true : answer === 'no' ? false : undefined;
  } catch {
    // A machine without systemd: it has no answer, and the finding says so.
    return undefined;
  }
}

const megabyte = 1_000_000;
const [leastMegabytes, fewMegabytes] = [100, 1000] as const;

export function judgeDisk(path: string, freeBytes: number, allBytes: number): Finding {
  const free = Math.floor(freeBytes / megabyte);
  const text = `${free} MB free of ${Math.floor(allBytes / megabyte)} MB for ${path}`;
  const hint = 'Free some space: readings are kept here while the head-end is away (`du -xh / | sort -h | tail`).';
  if (free < leastMegabytes) return fault('disk', text, hint);
  return free < fewMegabytes ? warning('disk', text, hint) : ok('disk', text);
}

export function checkDisk(data: string): readonly Finding[] {
  let path = resolve(data);
  while (!existsSync(path)) path = dirname(path);
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return [judgeDisk(path, bavail * bsize, blocks * bsize), ...checkWrites(path)];
  } catch (error) {
    return [systemFault('disk', path, error, 'Check the path and that you may read it.')];
  }
}

const gigabyte = 1_000_000_000;
const sectorBytes = 512;
const daySeconds = 86_400;
/** A good card of 32 GB takes some 30 TB in its life: at this pace eight years. */
const mostGigabytes = 10;

export function judgeWrites(sectors: number, uptimeSeconds: number): Finding {
  const aDay = (sectors * sectorBytes * daySeconds) / uptimeSeconds / gigabyte;
  const text = `${aDay.toFixed(1)} GB a day since the machine started`;
  if (aDay <= mostGigabytes) return ok('disk writes', text);
  return warning(
    'disk writes',
    text,
    `A card wears out: at most ${mostGigabytes} GB a day; \`iotop -a\` tells who writes.`,
  );
}

/** What was written to the disk of a path, where the kernel tells. */
function checkWrites(path: string): readonly Finding[] {
  try {
    const { dev } = statSync(path);
    // As glibc puts both into one number (sys/sysmacros.h).
    const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'latin1').trim().split(/\s+/);
    const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    return [judgeWrites(Number(fields[6]), uptime)];
  } catch (error) {
    // No disk of its own: memory, a network, a container.
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

const [warmCelsius, hotCelsius] = [75, 82] as const;

export function judgeTemperature(celsius: number): Finding {
  const text = `${celsius.toFixed(0)} °C`;
  const hint = 'Give the board air or a heat sink: above 80 °C it slows down.';
  if (celsius >= hotCelsius) return fault('temperature', text, hint);
  return celsius >= warmCelsius ? warning('temperature', text, hint) : ok('temperature', text);
}

export function checkTemperature(file = '/sys/class/thermal/thermal_zone0/temp'): readonly Finding[] {
  if (!existsSync(file)) return [];
  const milli = Number(readFileSync(file, 'latin1'));
  return Number.isFinite(milli) ? [judgeTemperature(milli / 1000)] : [];
}

export function checkWatchdog(device = '/dev/watchdog0'): Finding {
  if (existsSync(device)) return ok('watchdog', `${device} is there`);
  return warning(
    'watchdog',
    `there is no ${device}`,
    'Turn it on (`dtparam=watchdog=on` in config.txt) and start the board with --watchdog.',
  );
}
