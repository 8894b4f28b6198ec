import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';

/** Writes a report to a file, or to stdout for `-`. Throws GTX-CMP-002. */
export function writeReport(file: string, report: unknown): void {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (file === '-') {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** Throws GTX-CMP-002 where a report could not be written: found out before hours of campus. */
export function checkReportPath(file: string): void {
  if (file === '-') return;
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    throw unwritable(file, error);
  }
}

const unwritable = (file: string, error: unknown): GridError =>
  new GridError('GTX-CMP-002', `Cannot write the report ${file}: ${reasonOf(error)}`, {
    kind: 'input',
    hint: 'Check the path of --json.',
    cause: error,
  });
