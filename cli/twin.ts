import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { GridError, reasonOf } from '#hal/errors.ts';

export interface TwinOptions {
  readonly tcp?: number;
  readonly pty?: string;
  readonly serial?: string;
  readonly baud?: number;
  readonly unit?: number;
  readonly set?: Readonly<Record<string, number>>;
  readonly replay?: string;
  readonly port?: string;
  readonly list?: boolean;
  readonly json?: boolean;
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected an integer from ${least} to ${most}.`);
  };

function setting(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const [, point, value] = /^([^=\s]+)=(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (point === undefined) throw new InvalidArgumentError('Expected POINT=VALUE, such as power=1234.5.');
  return { ...before, [point]: Number(value) };
}

const plan = `
A plan is YAML:
  seed: 1                        # of weather, load and grid
  start: 2026-06-21T19:00:00Z    # the time at the site; now when left out
  site: { building: academic, peakLoadW: 20000, pvRatedW: 15000, battery: { capacityWh: 20000, ratedW: 10000 } }
  ports:
    - tcp: 5020
      devices:
        - { twin: sdm630, unit: 1, set: { voltageL1: 229.5 } }
        - { twin: sunspec-inverter, unit: 2 }
    - pty: /tmp/line1
      baud: 9600
      devices: [{ twin: sdm120, unit: 5 }]`;

/** `gridtokenx twin`: Modbus devices simulated on the wire. */
export function twinCommand(): Command {
  return new Command('twin')
    .description('Simulates Modbus devices on the wire, with one building behind them, until it is stopped (Ctrl-C).')
    .argument('[plan-or-device]', 'a plan (a path that ends in .yaml), or a device by name')
    .option('--tcp <port>', 'Modbus TCP on loopback; 0 = any free port', whole(0, 65_535))
    .option('--pty <path>', 'Modbus RTU on a pseudo-terminal that is reached by this path')
    .option('--serial <path>', 'Modbus RTU on a serial line, such as /dev/ttyUSB0')
    .option('--baud <rate>', 'of the line; as the device is delivered unless told', whole(300, 3_000_000))
    .option('--unit <number>', 'Modbus unit; as the device is delivered unless told', whole(1, 247))
    .addOption(
      new Option('--set <point=value>', 'hold a point at a value in the unit of its map; may be repeated').argParser(
        setting,
      ),
    )
    .option('--replay <file>', 'in place of a plan: what a board recorded of a port (`gridtokenx edge --record`)')
    .option('--port <name>', 'of the recording, where it has several: "serial /dev/ttyAMA0"')
    .option('--list', 'name the devices and end')
    .option('--json', 'print what is served, or the list, as JSON')
    .addHelpText('after', plan)
    .action(async (what: string | undefined, options: TwinOptions) => {
      const { listTwins, runTwins } = await import('./twin/run.ts');
      if (options.list === true) {
        listTwins(options.json === true);
        return;
      }
      if (options.replay !== undefined) {
        checkReplay(what, options);
        const { replayTwin } = await import('./twin/replay.ts');
        await replayTwin(options.replay, options);
        return;
      }
      if (options.port !== undefined) throw onlyOne('--port belongs to --replay');
      if (what === undefined) {
        throw new GridError('GTX-TWN-004', 'Neither a plan nor a device was named', {
          kind: 'input',
          hint: '`gridtokenx twin --list` names the devices.',
        });
      }
      const isPlan = /\.ya?ml$/.test(what);
      await runTwins(
        isPlan ? planFromFile(what, options) : await planFromOptions(what, options),
        options.json === true,
      );
    });
}

const onlyOne = (message: string): GridError => new GridError('GTX-TWN-004', message, { kind: 'input' });

function checkReplay(what: string | undefined, { tcp, pty, serial, unit, set }: TwinOptions): void {
  if (what !== undefined) throw onlyOne('Expected a plan, a device or --replay, and one of them');
  if (unit !== undefined || set !== undefined) throw onlyOne('--unit and --set belong to a device, not to --replay');
  checkPlace(tcp, pty, serial);
}

function checkPlace(...places: readonly unknown[]): void {
  if (places.filter((place) => place !== undefined).length !== 1)
    throw onlyOne('Expected one of --tcp, --pty, --serial');
}

interface PlanText {
  readonly file: string;
  readonly text: string;
}

function planFromFile(file: string, options: TwinOptions): PlanText {
  const extra = Object.keys(options).find((key) => key !== 'json');
  if (extra !== undefined) {
    throw new GridError('GTX-TWN-004', `--${extra} belongs to a single device, not to a plan`, {
      kind: 'input',
      hint: 'Say it in the plan.',
    });
  }
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const hint = 'Check the path and that you may read it.';
    throw new GridError('GTX-TWN-002', `${file} cannot be read: ${reasonOf(error)}`, {
      kind: 'input',
      hint,
      cause: error,
    });
  }
}

async function planFromOptions(twin: string, { tcp, pty, serial, baud, unit, set }: TwinOptions): Promise<PlanText> {
  const { twinKinds } = await import('#drivers/twins.ts');
  if (!twinKinds.some(({ name }) => name === twin)) {
    throw new GridError('GTX-TWN-004', `No device is called ${twin}`, {
      kind: 'input',
      hint: '`gridtokenx twin --list` names the devices.',
    });
  }
  checkPlace(tcp, pty, serial);
  const port = { tcp, pty, serial, baud, devices: [{ twin, unit, set }] };
  return { file: 'command line', text: JSON.stringify({ ports: [port] }) };
}
