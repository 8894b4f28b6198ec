import { once } from 'node:events';
import { GridError } from './errors.ts';
import type { BytePort, GpioChip, I2cBus, SpiDevice, Watchdog } from './ports.ts';
import { deadline } from './wall.ts';

const pattern = Buffer.from('a55a00ff0f33', 'hex');
const answerWithinMs = 1000;
const [lowestAddress, highestAddress] = [0x08, 0x77];

const failed = (name: string, what: string, hint: string): GridError =>
  new GridError('GTX-HAL-013', `${name} fails its self-test: ${what}`, { hint });

/** TX and RX of the line are joined with a wire. Rejects with `GTX-HAL-013`, or as the port does. */
export async function selfTestSerial(port: BytePort): Promise<string> {
  const hint = 'Join TX and RX (GPIO 14 and 15), and turn the console off that may hold the line.';
  const stream = await port.open();
  let back = Buffer.alloc(0);
  using _limit = deadline(answerWithinMs, () =>
    stream.destroy(failed(port.name, `of ${pattern.length} bytes ${back.length} came back`, hint)),
  );
  stream.write(pattern);
  while (back.length < pattern.length) {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    back = Buffer.concat([back, chunk]);
  }
  stream.destroy();
  if (!back.equals(pattern))
    throw failed(port.name, `${pattern.toString('hex')} came back as ${back.toString('hex')}`, hint);
  return `${port.name}: ${pattern.length} bytes came back as they were sent`;
}

/** MOSI and MISO are joined with a wire. */
export async function selfTestSpi(device: SpiDevice): Promise<string> {
  await device.start();
  const back = await device.transfer(pattern);
  if (back.equals(pattern)) return `${device.name}: ${pattern.length} bytes came back as they were sent`;
  const hint = 'Join MOSI and MISO (GPIO 10 and 9), and take the chip off the bus.';
  throw failed(device.name, `${pattern.toString('hex')} came back as ${back.toString('hex')}`, hint);
}

/** At least one chip hangs on the bus. Nothing is written to it; its address is read from. */
export async function selfTestI2c(bus: I2cBus): Promise<string> {
  await bus.start();
  const found: string[] = [];
  for (let address = lowestAddress; address <= highestAddress; address++) {
    try {
      await bus.transfer(address, Buffer.alloc(0), 1);
      found.push(`0x${address.toString(16)}`);
    } catch (error) {
      // Most addresses are nobody's.
      if (!(error instanceof GridError) || error.code !== 'GTX-HAL-005') throw error;
    }
  }
  if (found.length > 0) return `${bus.name}: ${found.join(', ')} answer`;
  throw failed(bus.name, 'no chip answers', 'Check SDA, SCL and the supply of the chip.');
}

/** The two lines are joined with a wire, and nothing else hangs on them. */
export async function selfTestGpio(
  chip: GpioChip,
  lines: { readonly output: number; readonly input: number },
): Promise<string> {
  await using output = chip.output({ line: lines.output });
  await using input = chip.input({ line: lines.input });
  await output.start();
  await input.start();
  for (const isActive of [true, false, true]) {
    await output.set(isActive);
    if ((await input.read()) === isActive) continue;
    const what = `line ${lines.input} is ${isActive ? 'low' : 'high'} while line ${lines.output} is not`;
    throw failed(chip.name, what, `Join the lines ${lines.output} and ${lines.input}.`);
  }
  const changed = Promise.withResolvers<boolean>();
  using _watch = input.onChange(changed.resolve);
  using _limit = deadline(answerWithinMs, () =>
    changed.reject(failed(chip.name, `a change of line ${lines.input} was not told`, 'Use the lines of one chip.')),
  );
  await output.set(false);
  await changed.promise;
  return `${chip.name}: line ${lines.input} follows line ${lines.output}, and its changes are told`;
}

/** The watchdog is started, beaten and stopped; a board that restarts a minute later has one that cannot be stopped. */
export async function selfTestWatchdog(watchdog: Watchdog): Promise<string> {
  await watchdog.start();
  await watchdog.beat();
  await watchdog[Symbol.asyncDispose]();
  return `${watchdog.name}: started, beaten and stopped; its time is ${watchdog.timeoutSeconds} s`;
}
