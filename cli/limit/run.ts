import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { delay, msToNextSecond } from '#hal/wall.ts';
import type { Role } from '#drivers/driver.ts';
import { nameWrites, type NamedWrite } from '#drivers/commissioning/named-writes.ts';
import { WriteWatch } from '#drivers/commissioning/write-watch.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import { LimitTrial, type MissingDevice, type TrialSecond } from '#edge/commissioning/limit-trial.ts';
import { type OpenSite, openSite } from '../commission/open-site.ts';
import type { LimitOptions } from '../limit.ts';
import { untilStopped } from '../stop-signals.ts';
import { dryText, headText, missingText, secondText } from './text.ts';

/** What each device on Modbus was told, as far as its registers tell. */
interface WatchedDevice {
  readonly role: Role;
  readonly unit: number;
  readonly bus: RegisterTransport;
  readonly watch: WriteWatch;
}

/** A limit must hold within so many seconds, and with so much to spare of what is measured (accuracy of a meter). */
const settleSeconds = 5;
const tolerance = { share: 0.02, w: 100 };

/**
 * Rejects with GTX-CMS-007 where the limit did not hold, GTX-CMS-008 where a device did not take an order, GTX-CMS-006
 * where nothing can be limited, and as opening the site does.
 */
export async function runLimit(options: LimitOptions): Promise<void> {
  using stopping = untilStopped();
  await using cleanup = new AsyncDisposableStack();
  const isDry = options.dryRun === true;
  const watched: WatchedDevice[] = [];
  const site = await openSite(options, cleanup, ({ role, entry }, wire) => {
    const unit = entry['unit'];
    if (!('writeHolding' in wire) || typeof unit !== 'number') return wire;
    const watch = new WriteWatch(wire, { isDry });
    watched.push({ role, unit, bus: wire, watch });
    return watch;
  });
  const trial = trialAt(site, options);
  const missing = await trial.start();
  if (isDry) {
    await tellDry(trial, watched, missing, { site, options });
    return;
  }
  process.stderr.write(missingText(missing));
  cleanup.defer(async () => {
    await trial.release();
    const left =
      trial.safePvW === undefined ? '' : `, the inverter at ${trial.safePvW} W, which the connection may export`;
    process.stderr.write(`limit: released${left}\n`);
  });
  const seconds = await Promise.race([hold(trial, site, options, stopping.signal), site.failed]);
  judge(seconds, options);
}

/** A contactor would open when it is taken: a dry trial leaves it alone. */
function trialAt({ file, devices, clock }: OpenSite, { of, watts, dryRun }: LimitOptions): LimitTrial {
  const used = dryRun === true ? { ...devices, contactor: undefined } : devices;
  return new LimitTrial({ file, devices: used, clock, power: of, watts, log: createLog('limit', 'silent') });
}

async function tellDry(
  trial: LimitTrial,
  watched: readonly WatchedDevice[],
  missing: readonly MissingDevice[],
  { site, options }: { readonly site: OpenSite; readonly options: LimitOptions },
): Promise<void> {
  const second = await trial.second(site.clock.now());
  const orders: { readonly role: Role; readonly writes: readonly NamedWrite[] }[] = [];
  for (const { role, unit, bus, watch } of watched) {
    if (watch.writes.length > 0) orders.push({ role, writes: await nameWrites(bus, unit, watch.writes) });
  }
  if (options.json === true) {
    const plain = {
      ...plainOf(second),
      orders,
      missing: missing.map(({ role, reason }) => ({ role, code: reason.code })),
    };
    process.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
  } else process.stdout.write(dryText(second, orders, missing, site.file));
  failed(second);
}

/** Every second until the time is over or somebody stops it. */
async function hold(
  trial: LimitTrial,
  { clock }: OpenSite,
  options: LimitOptions,
  signal: AbortSignal,
): Promise<readonly TrialSecond[]> {
  const seconds: TrialSecond[] = [];
  if (options.json !== true) process.stdout.write(headText(options));
  while (seconds.length < options.seconds && (await isNextSecond(signal))) {
    const second = await trial.second(clock.now());
    seconds.push(second);
    process.stdout.write(options.json === true ? `${JSON.stringify(plainOf(second))}\n` : secondText(second));
  }
  return seconds;
}

const isNextSecond = (signal: AbortSignal): Promise<boolean> =>
  delay(msToNextSecond(), signal).then(
    () => true,
    () => false,
  );

const plainOf = ({ sample, setpoints, limitedW, shortfallW, failures }: TrialSecond): object => ({
  at: sample.time,
  gridW: sample.gridW ?? null,
  loadW: sample.loadW ?? null,
  pvW: sample.inverter?.powerW ?? null,
  pvLimitW: setpoints.pvLimitW ?? null,
  batteryW: sample.battery?.powerW ?? null,
  batterySetpointW: setpoints.storageW ?? null,
  limitedW: limitedW ?? null,
  shortfallW,
  failures: failures.map(({ role, mode, reason }) => ({ role, mode, code: reason.code, message: reason.message })),
});

function failed({ failures: [failure] }: TrialSecond): void {
  if (failure === undefined) return;
  const { role, mode, reason } = failure;
  throw new GridError('GTX-CMS-008', `The ${role} did not take ${mode}: ${reason.code} ${reason.message}`, {
    hint: reason.hint ?? 'Check that remote control is allowed in the settings of the device.',
    cause: reason,
  });
}

/** By the worst second, once there was time to settle. */
function judge(seconds: readonly TrialSecond[], { watts, of }: LimitOptions): void {
  const settled = seconds.slice(Math.min(seconds.length - 1, settleSeconds));
  const unheeded = settled.find(({ failures }) => failures.length > 0);
  if (unheeded !== undefined) failed(unheeded);
  const most = Math.max(...settled.map(({ limitedW }) => limitedW ?? Number.NEGATIVE_INFINITY));
  if (seconds.length === 0) return;
  if (most === Number.NEGATIVE_INFINITY) {
    throw new GridError('GTX-CMS-007', `Nobody measures the ${of} of the site: whether ${watts} W held is not known`, {
      hint: '`gridtokenx read --board FILE` tells which device is silent.',
    });
  }
  if (most <= watts * (1 + tolerance.share) + tolerance.w) return;
  throw new GridError('GTX-CMS-007', `The ${of} of the site was ${most} W, though it was limited to ${watts} W`, {
    hint: 'Compare setpoint and measured power above; check the clamps with `gridtokenx commission ct`.',
  });
}
