import { UnixSeconds } from '#hal/units.ts';
import { everyWall, wallSeconds } from '#hal/wall.ts';
import { parseTwinPlan } from '#drivers/twin-plan.ts';
import { type ServedTwin, TwinSet } from '#drivers/twin-set.ts';
import { twinKinds } from '#drivers/twins.ts';
import { untilStopped } from '../stop-signals.ts';

export function listTwins(asJson: boolean): void {
  const list = twinKinds.map(({ name, summary, unit, baud }) => ({ name, summary, unit, baud }));
  if (asJson) process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  else
    for (const { name, summary, unit } of list)
      process.stdout.write(`${name.padEnd(26)}unit ${String(unit).padEnd(5)}${summary}\n`);
}

/** Serves a plan until the process is asked to stop. Rejects with an input `GridError`, or with a port's. */
export async function runTwins({ file, text }: { file: string; text: string }, asJson: boolean): Promise<void> {
  using stopping = untilStopped();
  const plan = parseTwinPlan(file, text);
  const ahead = plan.start === undefined ? 0 : Math.floor(Date.parse(plan.start) / 1000) - wallSeconds();
  const clock = { now: () => UnixSeconds(wallSeconds() + ahead) };
  await using twins = new TwinSet(plan, clock);
  for (const served of await twins.start())
    process.stdout.write(asJson ? `${JSON.stringify(served)}\n` : lineOf(served));
  const failed = Promise.withResolvers<never>();
  using _second = everyWall(1000, () => {
    try {
      twins.advanceTo(clock.now());
    } catch (error) {
      failed.reject(error);
    }
  });
  const stopped = Promise.withResolvers<void>();
  if (stopping.signal.aborted) stopped.resolve();
  stopping.signal.addEventListener('abort', () => stopped.resolve(), { once: true });
  await Promise.race([stopped.promise, failed.promise]);
  process.stderr.write('twin: stopped\n');
}

const lineOf = ({ twin, unit, at }: ServedTwin): string => `${twin} is unit ${unit} at ${at}\n`;
