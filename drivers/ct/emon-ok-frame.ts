import { W, Wh } from '#hal/units.ts';
import type { EmonMessage } from './emon-line.ts';

/**
 * Payloads of JeeLib nodes as an emonPi, or the receiver of an emonTx, prints them. Source: the node decoders for
 * emonhub.conf in the firmware of emonPi (DiscreteSampling, node 5), emonTx V3.4 (DiscreteSampling v2.3, node 8) and
 * emonTx V3 continuous monitoring (node 15).
 */
export const okLayouts = {
  emonpi: { node: 5, fields: [...powers(2), 'sum:h', 'V1:h', ...unused(6, 'h'), '-:L'] },
  emontx3: { node: 8, fields: [...powers(4), 'V1:h', ...unused(6, 'h'), '-:L'] },
  emontx3cm: { node: 15, fields: ['MSG:L', 'V1:h', ...powers(4), ...energies(4), ...unused(3, 'h'), '-:L'] },
} as const satisfies Record<string, OkLayout>;

export type OkLayoutName = keyof typeof okLayouts;
export const okLayoutNames = Object.keys(okLayouts) as OkLayoutName[];

interface OkLayout {
  readonly node: number;
  /** Name and data code: `h` 16 bits signed, `l` 32 bits signed, `L` 32 bits unsigned. */
  readonly fields: readonly string[];
}

function powers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `P${i + 1}:h`);
}
function energies(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `E${i + 1}:l`);
}
function unused(count: number, code: string): string[] {
  return Array.from({ length: count }, () => `-:${code}`);
}

/** What a frame tells; older firmware counts neither messages nor energy. */
export type OkReadout = Pick<EmonMessage, 'voltsRms'> & {
  readonly message: number | undefined;
  readonly channels: readonly { readonly powerW: W; readonly energyWh: Wh | undefined }[];
};

const bytesOf: Readonly<Record<string, number>> = { h: 2, l: 4, L: 4 };
const nodeMask = 0x1f;
const centivolts = 100;
/** The sum is added up in the firmware before it is rounded. */
const sumTolerance = 1;

/** Whether a line is a frame at all, of whichever node. */
export const isOkFrame = (line: string): boolean => line.startsWith('OK ');

/**
 * Parses `OK 5 …bytes… (-60)`: node, payload bytes in decimal, little-endian, and the signal strength where there is
 * one. Watts, volts and watt-hours. `node` is the one that the layout usually has unless told. Answers why not for
 * anything else.
 */
export function parseOkFrame(
  line: string,
  name: OkLayoutName,
  node: number = okLayouts[name].node,
): OkReadout | string {
  if (!isOkFrame(line)) return 'not an OK frame';
  const layout: OkLayout = okLayouts[name];
  const words = line.slice(3).trimEnd().split(' ');
  if (/^\(-?\d{1,3}\)$/.test(words.at(-1) ?? '')) words.pop();
  if (!words.every((word) => /^\d{1,3}$/.test(word) && Number(word) <= 0xff)) return 'not a list of bytes';
  const [header, ...payload] = words.map(Number);
  if ((header! & nodeMask) !== node) return `of node ${header! & nodeMask}, not of ${node}`;
  const length = layout.fields.reduce((sum, field) => sum + bytesOf[codeOf(field)]!, 0);
  if (payload.length !== length) return `${payload.length} bytes, not the ${length} of ${name}`;
  return readoutOf(layout, Buffer.from(payload));
}

const codeOf = (field: string): string => field.slice(field.indexOf(':') + 1);

function readoutOf({ fields }: OkLayout, payload: Buffer): OkReadout | string {
  const values = new Map<string, number>();
  let at = 0;
  for (const field of fields) {
    const code = codeOf(field);
    const value = code === 'L' ? payload.readUInt32LE(at) : payload.readIntLE(at, bytesOf[code]!);
    values.set(field.slice(0, field.indexOf(':')), value);
    at += bytesOf[code]!;
  }
  const centi = values.get('V1') ?? 0;
  if (centi < 0) return 'V1 is out of range';
  const channels: { powerW: W; energyWh: Wh | undefined }[] = [];
  for (let i = 1; values.has(`P${i}`); i++) {
    const energy = values.get(`E${i}`);
    channels.push({ powerW: W(values.get(`P${i}`)!), energyWh: energy === undefined ? undefined : Wh(energy) });
  }
  const sum = values.get('sum');
  const added = channels.reduce((total, { powerW }) => total + powerW, 0);
  if (sum !== undefined && Math.abs(sum - added) > sumTolerance) return 'the powers do not add up';
  return { message: values.get('MSG'), voltsRms: centi / centivolts, channels };
}

/** The frame that a node sends for a message, without its line end; what it does not tell is left out. */
export function formatOkFrame({ message, voltsRms, channels }: EmonMessage, name: OkLayoutName): string {
  const { node, fields } = okLayouts[name];
  const values = new Map<string, number>([
    ['MSG', message],
    ['V1', Math.round(voltsRms * centivolts)],
    ['sum', channels.reduce((sum, { powerW }) => sum + powerW, 0)],
    ...channels.flatMap(({ powerW, energyWh }, i): [string, number][] => [
      [`P${i + 1}`, powerW],
      [`E${i + 1}`, energyWh],
    ]),
  ]);
  const bytes = fields.flatMap((field) => {
    const length = bytesOf[codeOf(field)]!;
    const value = (values.get(field.slice(0, field.indexOf(':'))) ?? 0) >>> 0;
    return Array.from({ length }, (_, i) => (value >>> (8 * i)) & 0xff);
  });
  return `OK ${node} ${bytes.join(' ')} (-60)`;
}
