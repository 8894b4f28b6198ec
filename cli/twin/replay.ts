import { readRecording } from '#hal/recording/recording.ts';
import { RecordedTwin } from '#drivers/recording/recorded-twin.ts';
import { tellEnd } from '../recording/show.ts';
import { untilStopped } from '../stop-signals.ts';
import type { TwinOptions } from '../twin.ts';

/** Puts a port of a recording on the wire until the process is asked to stop. */
export async function replayTwin(path: string, options: TwinOptions): Promise<void> {
  using stopping = untilStopped();
  const recording = readRecording(path);
  tellEnd(recording);
  const { tcp, pty, serial, baud, port, json } = options;
  const place = {
    ...(tcp !== undefined && { tcp }),
    ...(pty !== undefined && { pty }),
    ...(serial !== undefined && { serial }),
    ...(baud !== undefined && { baud }),
  };
  await using twin = new RecordedTwin({ recording, place, ...(port !== undefined && { port }) });
  const served = await twin.start();
  const { units, at } = served;
  const what = units.length === 0 ? 'a line' : `unit${units.length > 1 ? 's' : ''} ${units.join(', ')}`;
  process.stdout.write(json === true ? `${JSON.stringify(served)}\n` : `${what} at ${at}\n`);
  const seconds = Math.ceil((recording.frames.at(-1)?.us ?? 0) / 1_000_000);
  process.stderr.write(`twin: the recording lasts ${seconds} s; what it shows then stays\n`);
  if (!stopping.signal.aborted) {
    await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  process.stderr.write('twin: stopped\n');
}
