import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Loaded before each file where coverage is measured: without the compile cache, whose code has no exact coverage,
 * each of the hundreds of processes would strip the types of all that it imports once more. Kept by what the source
 * says, so that nothing is ever stale.
 */
const folder = join(import.meta.dirname, '..', 'node_modules', '.cache', 'stripped', process.version);
mkdirSync(folder, { recursive: true });

function strippedOf(source: Buffer): string {
  const kept = join(folder, createHash('sha256').update(source).digest('hex'));
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    // The first to ask.
  }
  const code = stripTypeScriptTypes(source.toString());
  const fresh = `${kept}.${randomUUID()}`;
  writeFileSync(fresh, code);
  renameSync(fresh, kept);
  return code;
}

registerHooks({
  load: (url, context, next) => {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    return { format: 'module', source: strippedOf(readFileSync(fileURLToPath(url))), shortCircuit: true };
  },
});
