import { frameGapMs, lineMs } from './rtu-frame.ts';

/** A request that a board makes again and again. */
export interface PeriodicRequest {
  readonly unit: number;
  readonly kind: 'read' | 'write';
  readonly registers: number;
  readonly periodSeconds: number;
}

/** How long a device takes to begin its answer, ms: between the fastest (10) and the slowest (100) meters in the field. */
const turnaroundMs = 40;

/** Milliseconds that one request and its answer keep a line (MODBUS over Serial Line V1.02 §2.5). */
export function exchangeMs({ kind, registers }: Pick<PeriodicRequest, 'kind' | 'registers'>, baud: number): number {
  const bytes = kind === 'read' ? 8 + 5 + 2 * registers : 9 + 2 * registers + 8;
  return lineMs(bytes, baud) + turnaroundMs + 2 * frameGapMs(baud);
}

/**
 * The share of its time that a line is busy: 1.4 is 140 %, more than it can carry. From 0.7 on there is no room for
 * control writes in time, nor for a unit that fails.
 */
export const utilisation = (plan: readonly PeriodicRequest[], baud: number): number =>
  plan.reduce((sum, request) => sum + exchangeMs(request, baud) / (1000 * request.periodSeconds), 0);
