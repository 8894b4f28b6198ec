#!/usr/bin/env node
// The `gridtokenx` command: runs cli/main.ts on Node 24, in this process where it is Node 24 already.
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileCache, isNode24, launch } from './launch.js';
import { leanFor, startLean } from './lean-start.js';
import { hangUpWithNpm } from './npm-parent.js';

const args = process.argv.slice(2);
if (isNode24()) {
  startLean(args);
  // Its children have it from the environment.
  process.env.NODE_COMPILE_CACHE = compileCache();
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  hangUpWithNpm();
  await import('./main.ts');
} else {
  hangUpWithNpm();
  const { flags = [], environment } = leanFor(args) ?? {};
  launch([...flags, fileURLToPath(new URL('main.ts', import.meta.url)), ...args], environment);
}
