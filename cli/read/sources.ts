import { GridError } from '#hal/errors.ts';
import { SerialPort } from '#hal/linux/serial.ts';
import type { BytePort } from '#hal/ports.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { ClampFrame, RippleInput, SiteMeter } from '#drivers/capabilities.ts';
import { type MeasuredPoint, readMapPoints, readSunSpecPoints } from '#drivers/commissioning/measured-points.ts';
import { EmonMeter } from '#drivers/ct/emon-meter.ts';
import { meterMaps } from '#drivers/meter/maps.ts';
import { modbusBus } from '#drivers/modbus/bus.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import type { BoardDevice } from '#edge/board-devices.ts';
import { addressText, tcpPortAt } from '../commission/port-address.ts';
import type { OpenSite } from '../commission/open-site.ts';
import type { ReadOptions } from '../read.ts';

/** Something that can be read again and again. */
export interface Source {
  /** `inverter sunspec-inverter`, `sdm630 unit 1 at 192.168.1.20:502`. */
  readonly name: string;
  readonly read: () => Promise<readonly MeasuredPoint[]>;
}

/** Longer than the period of a front-end that sends by itself. */
const frameTimeoutMs = 12_000;
const emonBaud = 115_200;
const usualBaud = 9600;

/** One device of a board: all its registers where it has any, else what its driver knows. */
export function sourceOf({ role, entry }: BoardDevice, site: OpenSite, isAll: boolean): Source {
  const name = `${role} ${entry.driver}`;
  const wire = site.wires.get(role);
  const unit = entry['unit'];
  if (wire !== undefined && 'readHolding' in wire && typeof unit === 'number') {
    return registerSource(`${name} unit ${unit} at ${wire.name}`, { driver: entry.driver, bus: wire, unit, isAll });
  }
  const { meter, ripple } = site.devices;
  if (role === 'clamps') return frameSource(name, meter);
  if (role === 'ripple' && ripple !== undefined) return rippleSource(name, ripple);
  return { name, read: () => Promise.resolve([]) };
}

/** A device that no board file names. Throws GTX-CMS-004 for a name that nothing has. */
export function sourceAt(device: string, options: ReadOptions, cleanup: AsyncDisposableStack): Source {
  const map = meterMaps.find((each) => each.name === device);
  if (map === undefined && device !== 'emontx' && !/^sunspec(-|$)/.test(device)) {
    throw new GridError('GTX-CMS-004', `No device is called ${device}`, {
      kind: 'input',
      hint: `It is sunspec, emontx, or one of ${meterMaps.map(({ name }) => name).join(', ')}.`,
    });
  }
  const baud = options.baud ?? (device === 'emontx' ? emonBaud : (map?.serial?.baud ?? usualBaud));
  const { port, place, isSerial } = portFor(options, baud);
  if (device === 'emontx') {
    const meter = cleanup.use(new EmonMeter(port, { now: wallSeconds }, { isUnchecked: isSerial }));
    return frameSource(`emontx at ${place}`, meter);
  }
  const unit = options.unit ?? map?.unitId ?? 1;
  const bus = cleanup.use(modbusBus(port, isSerial ? { baud } : {}));
  return registerSource(`${device} unit ${unit} at ${place}`, {
    driver: device,
    bus,
    unit,
    isAll: options.all === true,
  });
}

function portFor(
  { tcp, serial, parity }: ReadOptions,
  baud: number,
): { readonly port: BytePort; readonly place: string; readonly isSerial: boolean } {
  if (tcp !== undefined) return { port: tcpPortAt(tcp), place: addressText(tcp), isSerial: false };
  const place = serial ?? '';
  return { port: new SerialPort({ serial: place, baud, parity }), place: `${place} ${baud}`, isSerial: true };
}

interface RegisterDevice {
  readonly driver: string;
  readonly bus: RegisterTransport;
  readonly unit: number;
  readonly isAll: boolean;
}

function registerSource(name: string, { driver, bus, unit, isAll }: RegisterDevice): Source {
  const map = meterMaps.find((each) => each.name === driver);
  const read = async (): Promise<readonly MeasuredPoint[]> => {
    await bus.start();
    return map === undefined ? readSunSpecPoints(bus, unit, isAll ? 'all' : 'measured') : readMapPoints(map, bus, unit);
  };
  return { name, read };
}

function frameSource(name: string, meter: SiteMeter): Source {
  let before = UnixSeconds(0);
  const read = async (): Promise<readonly MeasuredPoint[]> => {
    await meter.start();
    const frame = await meter.frameAfter(before, frameTimeoutMs);
    before = frame.receivedAt;
    return pointsOfFrame(frame);
  };
  return { name, read };
}

const pointsOfFrame = ({ message, voltsRms, channels }: ClampFrame): readonly MeasuredPoint[] => [
  { group: 'frame', name: 'message', value: message, unit: undefined },
  { group: 'frame', name: 'voltage', value: voltsRms ?? null, unit: 'V' },
  ...channels.flatMap(({ powerW, energyWh }, i) => [
    { group: 'frame', name: `power${i + 1}`, value: powerW, unit: 'W' },
    { group: 'frame', name: `energy${i + 1}`, value: energyWh, unit: 'Wh' },
  ]),
];

function rippleSource(name: string, ripple: RippleInput): Source {
  const read = async (): Promise<readonly MeasuredPoint[]> => {
    await ripple.start();
    const { percent, fault } = await ripple.read();
    const told = { group: 'ripple control', name: 'percent', value: percent, unit: '%' };
    return fault === undefined
      ? [told]
      : [told, { group: 'ripple control', name: 'fault', value: fault, unit: undefined }];
  };
  return { name, read };
}
