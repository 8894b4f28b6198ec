import { InvalidArgumentError } from 'commander';
import { TcpPort } from '#hal/linux/tcp.ts';

/** Modbus TCP's own (MODBUS Messaging on TCP/IP V1.0b §4.3.1). */
const modbusPort = 502;

/** `HOST` or `HOST:PORT` as it is typed; an IPv6 host stands in brackets where a port follows. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

export function parseTcpAddress(text: string): TcpAddress {
  const [, bracketed, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = digits === undefined ? modbusPort : Number(digits);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new InvalidArgumentError('It is an address like 192.168.1.20 or 192.168.1.20:502.');
}

/** As a board file has it. */
export const addressText = ({ host, port }: TcpAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

export const tcpPortAt = ({ host, port }: TcpAddress): TcpPort => new TcpPort(host, port);

const lastUnit = 247;

/** One Modbus unit as it is typed. */
export function parseUnit(text: string): number {
  const unit = Number(text);
  if (/^\d{1,3}$/.test(text) && unit >= 1 && unit <= lastUnit) return unit;
  throw new InvalidArgumentError(`A unit is a number from 1 to ${lastUnit}.`);
}

/** `1-247`, `1,2,100-126`. */
export function parseUnits(text: string): readonly number[] {
  const units = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part.trim()) ?? [];
    if (first === undefined || last === undefined || Number(first) > Number(last))
      throw new InvalidArgumentError('Units are numbers and ranges like 1-247 or 1,2,100.');
    const [from, to] = [parseUnit(first), parseUnit(last)];
    for (let unit = from; unit <= to; unit++) units.add(unit);
  }
  return [...units];
}
