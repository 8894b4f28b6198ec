import type { UnixSeconds } from '#hal/units.ts';
import type { EmonMessage } from './emon-line.ts';

const wrap = 2 ** 32;
/** Mains voltage does not move further than this from one message to the next. */
const voltageShare = 0.15;
/** Both counters are cut to whole watt-hours, Wh. */
const roundingWh = 1;
/** Messages are stamped with whole seconds, and front-ends keep their own time. */
const stampSeconds = 1.5;
const driftShare = 0.1;

/** A message and when its last byte arrived. */
export type ReceivedMessage = EmonMessage & { readonly receivedAt: UnixSeconds };

/**
 * Why two messages that came one after the other cannot both be right; `undefined` when they agree. A line of text has
 * no checksum, but its numbers check each other: messages are counted one by one, and energy grows by the mean power
 * since the message before. What slips through is bounded: about 1 Wh in a register, and in a power what makes up
 * 1 Wh in the time between two messages.
 */
export function disagreement(before: ReceivedMessage, now: ReceivedMessage): string | undefined {
  if ((now.message - before.message + wrap) % wrap !== 1) return 'it does not follow the message before it';
  if (now.channels.length !== before.channels.length) return 'it has other channels than the message before it';
  const highest = Math.max(now.voltsRms, before.voltsRms);
  if (Math.abs(now.voltsRms - before.voltsRms) > voltageShare * highest) return 'V1 leaps';
  const elapsed = now.receivedAt - before.receivedAt;
  for (const [i, { powerW, energyWh }] of now.channels.entries()) {
    const grownWh = energyWh - before.channels[i]!.energyWh;
    const expectedWh = (powerW * elapsed) / 3600;
    const slackWh = roundingWh + (Math.abs(powerW) * stampSeconds) / 3600 + driftShare * Math.abs(expectedWh);
    if (Math.abs(grownWh - expectedWh) > slackWh) return `P${i + 1} and E${i + 1} contradict each other`;
  }
  return undefined;
}
