import { GpioCharacterDevice } from './linux/gpio.ts';
import { GpioSysfs } from './linux/gpio-sysfs.ts';
import { I2cDevBus } from './linux/i2c.ts';
import { MqttConnection } from './linux/mqtt.ts';
import { SerialPort } from './linux/serial.ts';
import { SpidevDevice } from './linux/spi.ts';
import { TcpPort } from './linux/tcp.ts';
import type { PortKind, PortSpecOf } from './port-file.ts';
import type { BytePort, GpioChip, I2cBus, MqttLink, SpiDevice } from './ports.ts';

/** What a port of each kind is to a program. */
export interface PortsByKind {
  tcp: BytePort;
  serial: BytePort;
  spi: SpiDevice;
  i2c: I2cBus;
  gpio: GpioChip;
  mqtt: MqttLink;
}

const makers: { readonly [Kind in PortKind]: (spec: PortSpecOf<Kind>) => PortsByKind[Kind] } = {
  tcp: ({ tcp }) => new TcpPort(...hostAndPort(tcp)),
  serial: (spec) => new SerialPort(spec),
  spi: (spec) => new SpidevDevice(spec),
  i2c: (spec) => new I2cDevBus(spec),
  gpio: ({ gpio }) => (gpio === 'sysfs' ? new GpioSysfs() : new GpioCharacterDevice(gpio)),
  mqtt: (spec) => new MqttConnection(spec),
};

/** The real port that a board file names. Nothing is opened yet. */
export const realPort = <Kind extends PortKind>(kind: Kind, spec: PortSpecOf<Kind>): PortsByKind[Kind] =>
  makers[kind](spec);

/** `host:port`; an IPv6 host stands in brackets. */
function hostAndPort(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), Number(address.slice(colon + 1))];
}
