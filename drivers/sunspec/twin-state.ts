import { type DerAlarm, derAlarms, type DerOperation, derOperations } from '../grid-support.ts';
import type { DerFunctions } from './der-functions.ts';
import type { TripSettings } from './der-settings.ts';

/** What a twin says of itself, as the enumerations of both generations of models have it. */
export interface TwinState {
  /** The place in `derOperations`: 701 `InvSt`; one more is 101 to 103 `St`. */
  readonly operation: number;
  readonly isConnected: boolean;
  /** 701 `Alrm`, 101 to 103 `Evt1`. */
  readonly alarms: number;
}

const bitOf = (alarm: DerAlarm): number => 2 ** derAlarms.indexOf(alarm);

const tripAlarms: Readonly<Record<TripSettings['quantity'], Readonly<Record<TripSettings['side'], DerAlarm>>>> = {
  voltage: { low: 'acUnderVoltage', high: 'acOverVoltage' },
  frequency: { low: 'underFrequency', high: 'overFrequency' },
};

/** @param idle what it is when nothing flows while it could */
export function twinState(functions: DerFunctions, activeW: number, idle: DerOperation): TwinState {
  const { connection, settings, trippedBy } = functions;
  const isAllowed = settings.isPermitted && settings.isConnected;
  const isConnected = settings.isConnected && connection.at !== 'out' && connection.at !== 'waiting';
  const tripped = trippedBy && bitOf(tripAlarms[trippedBy.quantity][trippedBy.side]) + bitOf('gridDisconnect');
  return {
    operation: derOperations.indexOf(operationOf(functions, isConnected, activeW, idle)),
    isConnected,
    alarms: (tripped ?? 0) + (isAllowed ? 0 : bitOf('manualShutdown')),
  };
}

function operationOf(functions: DerFunctions, isConnected: boolean, activeW: number, idle: DerOperation): DerOperation {
  const { connection } = functions;
  if (connection.at === 'waiting' || connection.at === 'ceased') return 'standby';
  if (!isConnected) return 'off';
  if (connection.at === 'entering') return 'starting';
  if (activeW === 0) return idle;
  return functions.isLimited ? 'throttled' : 'running';
}
