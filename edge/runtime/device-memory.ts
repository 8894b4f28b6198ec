import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, systemCode } from '#hal/errors.ts';
import type { DeviceMemory } from '#drivers/driver.ts';

/** What a device must remember, in a JSON file that a crash leaves whole. A file that is damaged counts as lost. */
export class DeviceFile implements DeviceMemory {
  readonly #path: string;
  readonly #onWrite: (error?: GridError) => void;

  /** @param onWrite told of every write, and why it failed */
  constructor(path: string, onWrite: (error?: GridError) => void = () => undefined) {
    this.#path = path;
    this.#onWrite = onWrite;
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
      makeFolder(this.#path);
      await writeFileAtomic(this.#path, JSON.stringify(value));
    } catch (error) {
      if (error instanceof GridError) this.#onWrite(error);
      throw error;
    }
    this.#onWrite();
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw writeFailed(path, error);
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
