import { GridError } from '#hal/errors.ts';
import { realPort } from '#hal/board.ts';
import { HardwareWatchdog } from '#hal/linux/watchdog.ts';
import { kindOf, placeOf, type PortSpec } from '#hal/port-file.ts';
import { selfTestGpio, selfTestI2c, selfTestSerial, selfTestSpi, selfTestWatchdog } from '#hal/self-test.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { DoctorOptions } from '../doctor.ts';
import { faultOf, type Finding, ok } from './finding.ts';

/** Tests the adapters that the board file names, with wires in place of devices. */
export async function checkHardware(
  { ports = {} }: BoardFile,
  { gpioLines, watchdog }: Pick<DoctorOptions, 'gpioLines' | 'watchdog'>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const test = async (check: string, run: () => Promise<string>): Promise<void> => {
    try {
      findings.push(ok(check, await run()));
    } catch (error) {
      findings.push(faultOf(check, error));
    }
  };
  for (const [name, spec] of Object.entries(ports)) {
    const run = testOf(spec, gpioLines);
    if (run !== undefined) await test(`hardware ${name}`, run);
  }
  if (watchdog !== undefined)
    await test(`hardware ${watchdog}`, () => selfTestWatchdog(new HardwareWatchdog({ device: watchdog })));
  return findings;
}

/** What the adapter of a port can be tested by; nothing for the network. */
function testOf(spec: PortSpec, gpioLines: DoctorOptions['gpioLines']): (() => Promise<string>) | undefined {
  if ('serial' in spec) return () => selfTestSerial(realPort('serial', spec));
  if ('spi' in spec) {
    return async () => {
      await using device = realPort('spi', spec);
      return await selfTestSpi(device);
    };
  }
  if ('i2c' in spec) {
    return async () => {
      await using bus = realPort('i2c', spec);
      return await selfTestI2c(bus);
    };
  }
  if (!('gpio' in spec)) return undefined;
  return async () => {
    const [output, input] = gpioLines ?? [];
    if (output === undefined || input === undefined) {
      throw new GridError('GTX-DOC-002', `${placeOf(spec)} needs two lines to be tested`, {
        kind: 'input',
        hint: `Join two lines of the ${kindOf(spec)} chip with a wire: --gpio-lines 17,27.`,
      });
    }
    return await selfTestGpio(realPort('gpio', spec), { output, input });
  };
}
