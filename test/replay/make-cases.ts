import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caseEndings, makeCase } from '#cli/recording/make-case.ts';
import { casesFolder } from './cases.ts';
import { type Clamps, recordRun } from './recorded-run.ts';

/**
 * `node test/replay/make-cases.ts`: records the shipped cases anew, from our twins on lines with faults. Cases from
 * sites are made by `gridtokenx recording test`, which also renews what is expected of any case.
 */
const runs: Readonly<Record<string, { readonly clamps: Clamps; readonly seed: number }>> = {
  'three-on-a-line': { clamps: 'sdm630', seed: 3 },
  'front-end-as-text': { clamps: 'emontx', seed: 5 },
};

const folder = mkdtempSync(join(tmpdir(), 'gtx-cases-'));
try {
  for (const [name, run] of Object.entries(runs)) {
    const path = join(folder, `${name}.gtxr`);
    await recordRun({ ...run, path, seconds: 60, chance: 0.08 });
    rmSync(join(casesFolder, `${name}${caseEndings.recording}`), { force: true });
    await makeCase(path, casesFolder);
  }
} finally {
  rmSync(folder, { recursive: true });
}
