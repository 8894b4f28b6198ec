import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { reportProgress } from '#hal/process-link.ts';
import { type Database, openDatabase } from '../database/database.ts';
import { ReadingStore } from '../readings/store.ts';
import { Registry } from '../registry/devices.ts';
import type { Opening } from './opening.ts';

/** Where everything is stored that comes from devices. */
export interface Stores {
  readonly database: Database;
  readonly registry: Registry;
  readonly readings: ReadingStore;
}

export async function openStores(opening: Opening): Promise<Stores> {
  const { resources, log, signal } = opening;
  const database = resources.use(await databaseOf(opening));
  const registry = new Registry(database);
  await registry.start();
  const readings = resources.use(new ReadingStore({ pool: database.pool, log }));
  await readings.start();
  signal.throwIfAborted();
  return { database, registry, readings };
}

async function databaseOf({ config, log, signal, onFailure: onExit }: Opening): Promise<Database> {
  const options = { log, onProgress: reportProgress, onExit, signal };
  if (config.databaseUrl !== undefined) return openDatabase({ ...options, url: config.databaseUrl });
  const folder = join(config.dataFolder, 'database');
  // As root the server runs as another user, which has to pass through.
  await mkdir(folder, { recursive: true, mode: 0o711 });
  return openDatabase({ ...options, folder });
}
