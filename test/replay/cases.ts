import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { caseEndings } from '#cli/recording/make-case.ts';

/** Recordings and the samples that are expected of them. */
export const casesFolder = fileURLToPath(new URL('cases', import.meta.url));

export interface Case {
  readonly name: string;
  readonly path: string;
  /** One sample a line. */
  readonly expected: readonly string[];
}

export const cases = (): readonly Case[] =>
  readdirSync(casesFolder)
    .filter((file) => file.endsWith(caseEndings.recording))
    .map((file) => {
      const name = file.slice(0, -caseEndings.recording.length);
      const samples = readFileSync(join(casesFolder, `${name}${caseEndings.samples}`), 'utf8');
      return { name, path: join(casesFolder, file), expected: samples.split('\n').slice(0, -1) };
    });
