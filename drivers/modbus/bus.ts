import type { BytePort } from '#hal/ports.ts';
import { ModbusTcpClient } from './client.ts';
import { ModbusRtuClient } from './rtu-client.ts';
import { BusScheduler } from './scheduler.ts';

/** Devices that are reached by TCP often wake up for their first client. */
const firstAnswerTimeoutMs = 5000;

export interface ModbusBusOptions {
  /** Bits a second of a serial line, which speaks RTU; without it the port is a TCP connection, which speaks Modbus TCP. */
  readonly baud?: number;
}

/** A Modbus bus as a board has it: one connection that stays, and one scheduler for all units on it. */
export function modbusBus(port: BytePort, { baud }: ModbusBusOptions = {}): BusScheduler {
  const link =
    baud === undefined ? new ModbusTcpClient(port, { firstAnswerTimeoutMs }) : new ModbusRtuClient(port, { baud });
  // The first request may wait for the device to wake up; later ones are given up by the link long before.
  return new BusScheduler(link, baud === undefined ? { deadlineMs: firstAnswerTimeoutMs } : {});
}
