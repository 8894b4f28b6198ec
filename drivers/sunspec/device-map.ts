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
    const head = await transport.readHolding(unit, address, 2);
    const id = head.readUInt16BE(0);
    if (id === endModel) return new DeviceMap(name, blocks);
    const length = head.readUInt16BE(2);
    blocks.push({ id, address, length });
    address += 2 + length;
  }
  throw new GridError('GTX-SUN-002', `The SunSpec map of ${name} does not end`, {
    hint: 'The device breaks the SunSpec chain of models: update its firmware.',
  });
}

async function findMarker(transport: RegisterTransport, unit: number, name: string): Promise<number> {
  for (const base of baseAddresses) {
    try {
      const registers = await transport.readHolding(unit, base, 2);
      if (registers.readUInt32BE(0) === marker) return base;
    } catch (error) {
      // An exception from the device means "not here"; silence or a lost connection is for the caller.
      if (!(error instanceof GridError && error.code.startsWith('GTX-MOD-1'))) throw error;
    }
  }
  throw new GridError('GTX-SUN-001', `${name} is no SunSpec device: no "SunS" at ${baseAddresses.join(', ')}`, {
    hint: 'Switch SunSpec Modbus on in the settings of the device, and check the unit number.',
  });
}
