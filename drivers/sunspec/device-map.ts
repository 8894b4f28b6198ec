import { GridError } from '#hal/errors.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { models } from './models.generated.ts';
import type { GroupTable } from './table.ts';

/** The models that the table knows. */
export type ModelId = keyof typeof models;
/** The names of a model's own points (not of the groups within). */
export type PointName<Id extends ModelId> = keyof (typeof models)[Id]['points'] & string;

export const modelTable = (id: ModelId): GroupTable => models[id];

/** Where a model stands on a device. */
export interface ModelBlock {
  readonly id: number;
  /** Of the ID register. */
  readonly address: number;
  /** Registers after ID and L, as the device says. */
  readonly length: number;
}

/** Where devices put the map (SunSpec Device Information Model Specification V1.2 §6.1). */
export const baseAddresses = [40000, 50000, 0] as const;
/** "SunS" */
export const marker = 0x53756e53;
export const endModel = 0xffff;
/** Real devices have up to thirty; a chain longer than this runs in circles or through garbage. */
const maxModels = 100;

/** The models of one unit, in the order of the device. */
export class DeviceMap {
  readonly blocks: readonly ModelBlock[];
  readonly #name: string;

  constructor(name: string, blocks: readonly ModelBlock[]) {
    this.#name = name;
    this.blocks = blocks;
  }

  /** The first of these models that the device has, in the order asked. Throws `GTX-SUN-003` when it has none. */
  first<Id extends ModelId>(...ids: readonly Id[]): ModelBlock & { readonly id: Id } {
    for (const id of ids) {
      const block = this.find(id);
      if (block !== undefined) return { ...block, id };
    }
    const has = this.blocks.map(({ id }) => id).join(', ');
    throw new GridError('GTX-SUN-003', `${this.#name} lacks SunSpec model ${ids.join(' or ')}; it has ${has}`, {
      hint: 'Check that the board file names the right device, and whether SunSpec is switched on in its settings.',
    });
  }

  /** The first block of a model, `undefined` when the device lacks it. */
  find(id: ModelId): ModelBlock | undefined {
    return this.blocks.find((block) => block.id === id);
  }
}

/**
 * Finds the SunSpec map of a unit: the marker, then the chain of model ids and lengths to the end model.
 * Errors: `GTX-SUN-001` no marker, `GTX-SUN-002` a broken chain, `GTX-MOD-…` from the bus.
 */
export async function scanDevice(transport: RegisterTransport, unit: number): Promise<DeviceMap> {
  const name = `unit ${unit} on ${transport.name}`;
  const start = (await findMarker(transport, unit, name)) + 2;
  const blocks: ModelBlock[] = [];
  let address = start;
  while (blocks.length < maxModels && address + 2 <= 0x10000) {
    const head = await readHead(transport, unit, address);
    if (head === undefined) break;
    const id = head.readUInt16BE(0);
    const length = head.readUInt16BE(2);
    // What looks like the end in the middle of a misread model is none.
    if (id === endModel && length !== 0 && blocks.some(isWrongLength)) break;
    if (id === endModel) return new DeviceMap(name, blocks);
    blocks.push({ id, address, length });
    address += 2 + length;
  }
  throw brokenChain(name, blocks);
}

/** The head of the next model; `undefined` where the device has no registers. */
async function readHead(transport: RegisterTransport, unit: number, address: number): Promise<Buffer | undefined> {
  try {
    return await transport.readHolding(unit, address, 2);
  } catch (error) {
    if (isException(error)) return undefined;
    throw error;
  }
}

/** Its length is not that of the standard; model 1 may come without the pad at its end. */
function isWrongLength({ id, length }: ModelBlock): boolean {
  if (!Object.hasOwn(models, id)) return false;
  const { size, groups } = modelTable(id as ModelId);
  const least = id === 1 ? size - 3 : size - 2;
  return length < least || (groups.length === 0 && length > size - 2);
}

/** Names the model whose length is wrong: what stands behind it was misread. */
function brokenChain(name: string, blocks: readonly ModelBlock[]): GridError {
  const wrong = blocks.find(isWrongLength);
  const standard = wrong === undefined ? 0 : modelTable(wrong.id as ModelId).size - 2;
  const what =
    wrong === undefined
      ? ''
      : `: it says that model ${wrong.id} has ${wrong.length} registers, the standard has ${standard}`;
  return new GridError('GTX-SUN-002', `The SunSpec map of ${name} does not end${what}`, {
    hint: 'The device breaks the SunSpec chain of models: update its firmware.',
  });
}

/** The device's own refusal; silence or a lost connection is for the caller. */
const isException = (error: unknown): boolean => error instanceof GridError && error.code.startsWith('GTX-MOD-1');

async function findMarker(transport: RegisterTransport, unit: number, name: string): Promise<number> {
  for (const base of baseAddresses) {
    try {
      const registers = await transport.readHolding(unit, base, 2);
      if (registers.readUInt32BE(0) === marker) return base;
    } catch (error) {
      // "Not here."
      if (!isException(error)) throw error;
    }
  }
  throw new GridError('GTX-SUN-001', `${name} is no SunSpec device: no "SunS" at ${baseAddresses.join(', ')}`, {
    hint: 'Switch SunSpec Modbus on in the settings of the device, and check the unit number.',
  });
}
