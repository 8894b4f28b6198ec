import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError } from '#hal/errors.ts';
import { SerialPort } from '#hal/linux/serial.ts';
import { delay, msToNextSecond } from '#hal/wall.ts';
import type { EnergyMeter } from '#drivers/capabilities.ts';
import { meterMaps } from '#drivers/meter/maps.ts';
import { RegisterMeter } from '#drivers/meter/register-meter.ts';
import { modbusBus } from '#drivers/modbus/bus.ts';
import { SunSpecMeter } from '#drivers/sunspec/sunspec-meter.ts';
import type { BoardFile } from '#edge/board-file.ts';
import { type CtReport, ctReport } from '#edge/commissioning/ct-report.ts';
import { CtRun, type CtResult } from '#edge/commissioning/ct-run.ts';
import type { CheckedClamp } from '#edge/commissioning/ct-samples.ts';
import { reportPage } from '#edge/commissioning/report-page.ts';
import { checkSignedReport, signReport, type SignedReport } from '#edge/commissioning/signed-report.ts';
import type { CtOptions } from '../commission.ts';
import { untilStopped } from '../stop-signals.ts';
import { versionOfPackage } from '../version.ts';
import { type OpenSite, openSite } from './open-site.ts';
import { tcpPortAt } from './port-address.ts';
import { ProgressLine } from './progress-line.ts';
import { signerFor } from './signer.ts';

const usualBaud = 9600;

/**
 * Checks the clamps, writes report and page, and tells what it found. Rejects with GTX-CTC-003 where a clamp is wrong,
 * GTX-CTC-004 where one could not be judged, GTX-CTC-001 for a meter that nothing is known of, GTX-CTC-002 where no
 * step can be made, and as devices and signer do.
 */
export async function commissionCt(options: CtOptions): Promise<void> {
  using stopping = untilStopped();
  await using cleanup = new AsyncDisposableStack();
  // Whether it can be signed is known before anything moves.
  const signer = await signerFor(options, cleanup);
  const site = await openSite(options, cleanup);
  const result = await run(site, options, stopping.signal, cleanup);
  const report = ctReport(result, {
    file: site.file,
    software: `gridtokenx ${versionOfPackage()}`,
    technician: options.technician,
    now: site.clock.now(),
  });
  const signed = await signReport(report, signer);
  const files = await write(signed, options.out);
  process.stdout.write(options.json === true ? `${JSON.stringify(signed, null, 2)}\n` : textOf(report));
  for (const file of files) process.stderr.write(`commission: wrote ${file}\n`);
  if (report.verdict === 'good') return;
  const hint = 'Mend what the report names, and check again.';
  if (report.verdict === 'fault') throw new GridError('GTX-CTC-003', 'The clamps are not as they should be', { hint });
  throw new GridError('GTX-CTC-004', 'Not every clamp could be judged', {
    hint: 'Check again with --step, or with a meter beside the clamps (--meter).',
  });
}

async function run(
  site: OpenSite,
  options: CtOptions,
  signal: AbortSignal,
  cleanup: AsyncDisposableStack,
): Promise<CtResult> {
  const { file, devices, clock } = site;
  const clamps = options.clamp ?? clampsOf(file);
  const meter = meterFor(options, site, cleanup);
  const { seconds, step: isStepped = false } = options;
  const check = new CtRun({ file, devices, clamps, meter, seconds, isStepped });
  await check.start();
  cleanup.defer(() => check.release());
  using progress = new ProgressLine();
  const watch = async (): Promise<CtResult> => {
    for (;;) {
      await delay(msToNextSecond(), signal);
      const { what, done, all } = await check.second(clock.now());
      progress.show(what, done, all);
      if (done === all) return check.result();
    }
  };
  try {
    return await Promise.race([watch(), site.failed]);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new GridError('GTX-CTC-005', 'The check was stopped before it was over; nothing was written', {
      cause: error,
    });
  }
}

/** What the board file says of its clamps. */
function clampsOf({ devices }: BoardFile): readonly CheckedClamp[] {
  const { gridChannel = 1, loadChannel } = devices.clamps ?? {};
  const grid: CheckedClamp = { channel: gridChannel, sees: 'grid' };
  return loadChannel === undefined ? [grid] : [grid, { channel: loadChannel, sees: 'load' }];
}

function meterFor(
  options: CtOptions,
  { clock, wires }: OpenSite,
  cleanup: AsyncDisposableStack,
): EnergyMeter | undefined {
  const { meter: name, meterTcp: tcp, meterSerial: serial } = options;
  if (name === undefined) return undefined;
  const map = meterMaps.find((each) => each.name === name);
  if (map === undefined && name !== 'sunspec-meter') {
    const known = meterMaps.map((each) => each.name).join(', ');
    throw new GridError('GTX-CTC-001', `No meter is called ${name}`, {
      kind: 'input',
      hint: `It is sunspec-meter or one of ${known}.`,
    });
  }
  if ((tcp === undefined) === (serial === undefined)) {
    throw new GridError('GTX-CTC-001', '--meter needs one of --meter-tcp and --meter-serial', { kind: 'input' });
  }
  const { baud = usualBaud, parity = 'none' } = map?.serial ?? {};
  const known = busAt(wires, tcp === undefined ? undefined : `tcp ${tcp.host}:${tcp.port}`);
  const bus =
    known ??
    cleanup.use(
      tcp !== undefined
        ? modbusBus(tcpPortAt(tcp))
        : modbusBus(new SerialPort({ serial: serial ?? '', baud, parity }), { baud }),
    );
  const unit = options.meterUnit ?? map?.unitId ?? 1;
  return map === undefined ? new SunSpecMeter(bus, unit, clock) : new RegisterMeter(map, bus, unit, clock);
}

/** The bus of a device of the board that is at the same place: devices take one or two clients at most. */
function busAt(wires: OpenSite['wires'], name: string | undefined): ReturnType<typeof modbusBus> | undefined {
  const wire = [...wires.values()].find((each) => 'readHolding' in each && each.name === name);
  return wire as ReturnType<typeof modbusBus> | undefined;
}

async function write(signed: SignedReport<CtReport>, out: string): Promise<readonly string[]> {
  const folder = resolve(out);
  const { meterId, at } = signed.report;
  const stem = join(folder, `ct-${meterId}-${at.replaceAll(/[-:]/g, '')}`);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw writeFailed(folder, error);
  }
  await writeFileAtomic(`${stem}.json`, `${JSON.stringify(signed, null, 2)}\n`);
  await writeFileAtomic(`${stem}.html`, reportPage(signed, checkSignedReport(signed)));
  return [`${stem}.json`, `${stem}.html`];
}

const marks = { good: 'ok     ', fault: 'FAULT  ', undecided: 'unsure ' } as const;

function textOf({ clamps, balance }: CtReport): string {
  const lines = clamps.map(
    ({ verdict, finding, mend }) => `${marks[verdict]}${finding}\n${mend === null ? '' : `       ${mend}\n`}`,
  );
  return `${lines.join('')}${balance.differenceW === undefined ? '' : `${marks[balance.verdict]}${balance.finding}\n`}`;
}
