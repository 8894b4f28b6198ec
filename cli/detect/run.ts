import { GridError } from '#hal/errors.ts';
import { SerialPort } from '#hal/linux/serial.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { scanUnits } from '#drivers/commissioning/scan-units.ts';
import { searchSerial, settingText } from '#drivers/commissioning/serial-search.ts';
import type { DetectOptions } from '../detect.ts';
import { addressText, tcpPortAt } from '../commission/port-address.ts';
import { ProgressLine } from '../commission/progress-line.ts';
import { untilStopped } from '../stop-signals.ts';
import { type Detected, suggestionsFor, textOf } from './findings-text.ts';

/** A device that wakes up for its first client needs so long; a gateway tells of a missing unit within it, ms. */
const tcpTimeoutMs = 500;
const tcpFirstTimeoutMs = 5000;

/** Looks and prints what was found. Rejects with GTX-DTC-002 where nobody answers, and as the port does. */
export async function runDetect(options: DetectOptions): Promise<void> {
  using stopping = untilStopped();
  using progress = new ProgressLine();
  const detected = await look(options, progress, stopping.signal);
  progress.clear();
  const suggestions = suggestionsFor(detected);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ...detected, suggestions }, null, 2)}\n`);
  } else {
    process.stdout.write(textOf(detected, suggestions));
  }
  if (detected.found.length > 0 || detected.emon !== undefined) return;
  throw new GridError('GTX-DTC-002', `Nobody answers on ${detected.place}`, { hint: hintFor(detected) });
}

async function look(options: DetectOptions, progress: ProgressLine, signal: AbortSignal): Promise<Detected> {
  const { tcp, serial, units } = options;
  if (tcp !== undefined) {
    const timeouts = { requestTimeoutMs: tcpTimeoutMs, firstAnswerTimeoutMs: tcpFirstTimeoutMs };
    await using client = new ModbusTcpClient(tcpPortAt(tcp), timeouts);
    const onAsked = (asked: number, all: number): void => progress.show(`units of ${addressText(tcp)}`, asked, all);
    const { found, damaged } = await scanUnits(client, { units, onAsked, signal });
    const port = { tcp: addressText(tcp) };
    return { place: `tcp ${addressText(tcp)}`, port, setting: undefined, found, emon: undefined, damaged };
  }
  const device = serial ?? '';
  const { finding, damagedAt } = await searchSerial({
    portOf: (setting) => new SerialPort({ serial: device, ...setting }),
    units,
    onProgress: (doing, done, all) => progress.show(doing, done, all),
    signal,
  });
  const { setting, found = [], emon } = finding ?? {};
  const { baud = 0, parity = 'none', stopBits = 1 } = setting ?? {};
  const port = {
    serial: device,
    baud,
    ...(parity === 'none' ? {} : { parity }),
    ...(stopBits === 1 ? {} : { stopBits }),
  };
  return {
    place: `serial ${device}`,
    port,
    setting: setting && settingText(setting),
    found,
    emon,
    damaged: damagedAt.map(settingText),
  };
}

function hintFor({ port, damaged }: Detected): string {
  if (damaged.length > 0) {
    const where = 'tcp' in port ? `units ${damaged.join(', ')}` : damaged.join(', ');
    return `Something came that was no answer (${where}): two units with one number, A and B exchanged, or a bad line.`;
  }
  return 'tcp' in port
    ? 'Switch Modbus TCP on in the device, and ask all units: --units 1-247.'
    : 'Check power, A and B (exchange them once), termination, and that no other program is the master of the line.';
}
