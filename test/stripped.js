// Plain JavaScript: what strips the types must not be stripped itself.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Loaded first where coverage is measured, into the tests' processes: without the compile cache, whose code has no
 * exact coverage, each of them would strip the types of all that it imports once more. Kept by what the source says, so
 * that nothing is ever stale.
 */
const folder = fileURLToPath(new URL(`../node_modules/.cache/stripped/${process.version}`, import.meta.url));

/** @param {Buffer} source */
function strippedOf(source) {
  const kept = join(folder, createHash('sha256').update(source).digest('hex'));
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    // The first to ask.
  }
  const code = module.stripTypeScriptTypes(source.toString());
  const fresh = `${kept}.${randomUUID()}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(fresh, code);
  renameSync(fresh, kept);
  return code;
}

module.registerHooks({
  load: (url, context, next) => {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    return { format: 'module', source: strippedOf(readFileSync(fileURLToPath(url))), shortCircuit: true };
  },
});
