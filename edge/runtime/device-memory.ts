import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { systemCode } from '#hal/errors.ts';
import type { DeviceMemory } from '#drivers/driver.ts';

/** What a device must remember, in a JSON file that a crash leaves whole. A file that is damaged counts as lost. */
export class DeviceFile implements DeviceMemory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(): unknown {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      return undefined;
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return undefined;
    }
  }

  async write(value: unknown): Promise<void> {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
    } catch (error) {
      throw writeFailed(this.#path, error);
    }
    await writeFileAtomic(this.#path, JSON.stringify(value));
  }
}

/** Remembers until the program ends: for a building whose twins forget with it. */
export class PassingMemory implements DeviceMemory {
  #value: unknown;

  /** @param value what it remembers already */
  constructor(value?: unknown) {
    this.#value = value;
  }

  read(): unknown {
    return this.#value;
  }

  async write(value: unknown): Promise<void> {
    this.#value = value;
  }
}
