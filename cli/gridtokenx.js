#!/usr/bin/env node
// The `gridtokenx` command: runs cli/main.ts on Node 24, in this process where it is Node 24 already.
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileCache, isNode24, launch } from './launch.js';
import { hangUpWithNpm } from './npm-parent.js';

hangUpWithNpm();

if (isNode24()) {
  module.enableCompileCache(compileCache());
  await import('./main.ts');
} else {
  launch([fileURLToPath(new URL('main.ts', import.meta.url)), ...process.argv.slice(2)]);
}
