import { accessSync, constants, existsSync } from 'node:fs';
import { connect as tlsConnect } from 'node:tls';
import { once } from 'node:events';
import { connect } from 'node:net';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { SerialPort } from '#hal/linux/serial.ts';
import { openHint } from '#hal/linux/device-file.ts';
import { kindOf, placeOf, type PortSpec } from '#hal/port-file.ts';
import { deadline } from '#hal/wall.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { devicesOf, isEmulated, portOf } from '#edge/board-devices.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { refusalsOf } from '#cli/boards/findings.ts';
import { devicesIn, type OpenSite } from '../commission/open-site.ts';
import { sourceOf } from '../read/sources.ts';
import { fault, faultOf, type Finding, ok } from './finding.ts';

/** What stands against the wiring that the board file describes. */
export function checkBoardFile(file: BoardFile): readonly Finding[] {
  const refusals = refusalsOf(file);
  if (refusals.length === 0) return [ok('board file', `${file.path}, ${file.meterId}`)];
  return refusals.map(({ code, message, hint }) => fault('board file', `${code} ${message}`, hint));
}

/** Each real port once: is it there, may it be used, is it free. Nothing is sent. */
export async function checkPorts(file: BoardFile): Promise<readonly Finding[]> {
  const specs = new Map<string, PortSpec>();
  for (const { entry } of devicesOf(file)) {
    const spec = portOf(file, entry);
    if (spec !== undefined && !isEmulated(file, entry)) specs.set(placeOf(spec), spec);
  }
  return await Promise.all([...specs].map(([place, spec]) => checkPort(`port ${place}`, spec)));
}

const missing: Readonly<Record<string, string>> = {
  spi: 'Turn SPI on: `dtparam=spi=on` in config.txt, then restart.',
  i2c: 'Turn I2C on: `dtparam=i2c_arm=on` in config.txt, then restart.',
  gpio: 'Check the number of the chip: `ls /dev/gpiochip*`.',
};

async function checkPort(check: string, spec: PortSpec): Promise<Finding> {
  if ('serial' in spec) {
    try {
      const stream = await new SerialPort(spec).open();
      await once(stream.destroy(), 'close');
      return ok(check, 'it can be opened, and nobody else has it');
    } catch (error) {
      return faultOf(check, error);
    }
  }
  if ('tcp' in spec) return await reach(check, spec.tcp);
  if ('mqtt' in spec) return await reach(check, spec.mqtt);
  const kind = kindOf(spec);
  const path =
    'spi' in spec ? spec.spi : 'i2c' in spec ? spec.i2c : spec.gpio === 'sysfs' ? '/sys/class/gpio' : spec.gpio;
  if (!existsSync(path)) return fault(check, `${path} is not there`, missing[kind]);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return ok(check, 'it is there and may be used');
  } catch (error) {
    return fault(check, `${path}: ${reasonOf(error)}`, openHint(path, systemCode(error) ?? '', missing[kind] ?? ''));
  }
}

const reachMs = 5000;

async function reach(check: string, address: string): Promise<Finding> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const socket = connect({ host, port: Number(address.slice(colon + 1)) });
  const hint = 'Check the address, the cable, and that the device allows another client.';
  using _limit = deadline(reachMs, () => resolve(fault(check, `no answer within ${reachMs / 1000} s`, hint)));
  socket.once('connect', () => resolve(ok(check, 'it takes connections')));
  socket.once('error', (error) => resolve(fault(check, reasonOf(error), hint)));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** Each device answers, and what it says can be. */
export async function checkDevices(site: OpenSite): Promise<readonly Finding[]> {
  return await Promise.all(
    devicesIn(site.file, undefined)
      // A contactor opens when it is taken.
      .filter(({ role }) => role !== 'contactor')
      .map(async (device) => {
        const { name, read } = sourceOf(device, site, false);
        try {
          const points = await read();
          return ok(`device ${device.role}`, `${name} answers with ${points.length} values`);
        } catch (error) {
          return faultOf(`device ${device.role}`, error);
        }
      }),
  );
}

const usualPort = 8443;

/** The head-end takes a TLS connection with the board's identity. */
export async function checkHeadEnd(server: string, load: () => Promise<DeviceIdentity>): Promise<Finding> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  try {
    const { certificatePem: cert, keyPem: key, caPem: ca } = await load();
    const { promise, resolve, reject } = Promise.withResolvers<string | null>();
    const tls = clientTls({ cert, key, ca }, { hostname: true });
    const socket = tlsConnect({ ...tls, host, port: port === '' ? usualPort : Number(port) });
    using _limit = deadline(reachMs, () => reject(new Error(`no answer within ${reachMs / 1000} s`)));
    socket.once('secureConnect', () => resolve(socket.getProtocol()));
    socket.once('error', reject);
    try {
      return ok('head-end', `${server} answers over ${(await promise) ?? 'TLS'}`);
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (error instanceof GridError) return faultOf('head-end', error);
    return fault(
      'head-end',
      `${server}: ${reasonOf(error)}`,
      'Check network, name and port; the board goes on without it.',
    );
  }
}
