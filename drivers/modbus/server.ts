import type { Duplex } from 'node:stream';
import { listenTcp, type TcpListener } from '#hal/linux/tcp.ts';
import { FrameSplitter } from './frame-splitter.ts';
import { exceptionCode, functionCode, maxReadRegisters, maxWriteRegisters, type ModbusException } from './protocol.ts';

/** The registers of one unit. Addresses are on the wire, 0 to 65,535; buffers are big-endian, two bytes a register. */
export interface RegisterBank {
  /** `count` (1 to 125) holding registers, or why not. The buffer is copied before the next call. */
  read(address: number, count: number): Buffer | ModbusException;
  /** Takes 1 to 123 holding registers, all or none; answers why not. A bank without it is read-only. */
  write?(address: number, registers: Buffer): ModbusException | undefined;
  /** The same as `read` for input registers (function 4). */
  readInput?(address: number, count: number): Buffer | ModbusException;
}

export interface ModbusTcpServerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly units: ReadonlyMap<number, RegisterBank>;
}

/** Devices allow a handful of clients; more are closed at once. */
const maxConnections = 16;

/** Serves register banks over Modbus TCP on loopback. */
export function serveModbusTcp({ port, units }: ModbusTcpServerOptions): Promise<TcpListener> {
  let connections = 0;
  return listenTcp(port, (stream) => {
    if (connections >= maxConnections) {
      stream.destroy();
      return;
    }
    connections++;
    stream.once('close', () => connections--);
    serveModbusStream(stream, units);
  });
}

/**
 * Serves one client. A frame that Modbus TCP does not allow ends the connection. A client that does not read its
 * answers is not read from either, so that what waits stays bounded.
 */
export function serveModbusStream(stream: Duplex, units: ReadonlyMap<number, RegisterBank>): void {
  const splitter = new FrameSplitter();
  const answers: Buffer[] = [];
  const onFrame = (frame: Buffer): boolean => {
    const response = answer(frame, units);
    if (response === undefined) return false;
    answers.push(response);
    return true;
  };
  // A client that goes away in the middle of an answer is none of the server's business; 'close' follows.
  stream.on('error', () => stream.destroy());
  stream.on('drain', () => stream.resume());
  stream.on('data', (chunk: Buffer) => {
    const isIntact = splitter.push(chunk, onFrame);
    if (answers.length > 0) {
      const isFlushed = stream.write(answers.length === 1 ? answers[0] : Buffer.concat(answers));
      answers.length = 0;
      if (!isFlushed) stream.pause();
    }
    if (!isIntact) stream.destroy();
  });
}

/** The answer to one request frame; `undefined` when its length cannot be that of its function. */
export function answer(frame: Buffer, units: ReadonlyMap<number, RegisterBank>): Buffer | undefined {
  const pduBytes = frame.length - 7;
  const fn = frame[7]!;
  const bank = units.get(frame[6]!);
  if (bank === undefined) return exceptionFrame(frame, exceptionCode.gatewayTargetFailedToRespond);
  switch (fn) {
    case functionCode.readHolding:
    case functionCode.readInput:
      return pduBytes === 5 ? answerRead(frame, bank, fn) : undefined;
    case functionCode.writeSingle:
      return pduBytes === 5 ? answerWrite(frame, bank, frame.subarray(10, 12)) : undefined;
    case functionCode.writeMultiple: {
      if (pduBytes < 6 || pduBytes !== 6 + frame[12]!) return undefined;
      const count = frame.readUInt16BE(10);
      const isValid = count >= 1 && count <= maxWriteRegisters && frame[12] === 2 * count;
      return isValid
        ? answerWrite(frame, bank, frame.subarray(13))
        : exceptionFrame(frame, exceptionCode.illegalDataValue);
    }
    default:
      return exceptionFrame(frame, exceptionCode.illegalFunction);
  }
}

function answerRead(frame: Buffer, bank: RegisterBank, fn: 3 | 4): Buffer {
  const address = frame.readUInt16BE(8);
  const count = frame.readUInt16BE(10);
  if (count < 1 || count > maxReadRegisters) return exceptionFrame(frame, exceptionCode.illegalDataValue);
  if (address + count > 0x10000) return exceptionFrame(frame, exceptionCode.illegalDataAddress);
  const isInput = fn === functionCode.readInput;
  if (isInput && bank.readInput === undefined) return exceptionFrame(frame, exceptionCode.illegalFunction);
  const registers = isInput ? bank.readInput!(address, count) : bank.read(address, count);
  if (typeof registers === 'number') return exceptionFrame(frame, registers);
  const response = Buffer.allocUnsafe(9 + 2 * count);
  frame.copy(response, 0, 0, 8);
  response.writeUInt16BE(3 + 2 * count, 4);
  response[8] = 2 * count;
  registers.copy(response, 9, 0, 2 * count);
  return response;
}

function answerWrite(frame: Buffer, bank: RegisterBank, registers: Buffer): Buffer {
  if (bank.write === undefined) return exceptionFrame(frame, exceptionCode.illegalFunction);
  const address = frame.readUInt16BE(8);
  if (address + registers.length / 2 > 0x10000) return exceptionFrame(frame, exceptionCode.illegalDataAddress);
  const refusal = bank.write(address, registers);
  if (refusal !== undefined) return exceptionFrame(frame, refusal);
  // Both kinds of write are confirmed by the first four bytes of their own data.
  const response = Buffer.from(frame.subarray(0, 12));
  response.writeUInt16BE(6, 4);
  return response;
}

function exceptionFrame(request: Buffer, code: ModbusException): Buffer {
  const response = Buffer.allocUnsafe(9);
  request.copy(response, 0, 0, 8);
  response.writeUInt16BE(3, 4);
  response[7] = request[7]! | 0x80;
  response[8] = code;
  return response;
}
