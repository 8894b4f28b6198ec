#!/usr/bin/env node
// `node cli/node24.js FILE …` runs a TypeScript file of this project (or any Node arguments) on Node 24.
import { launch } from './launch.js';
import { hangUpWithNpm } from './npm-parent.js';

hangUpWithNpm();
launch(process.argv.slice(2));
