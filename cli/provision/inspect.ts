import { wallSeconds } from '#hal/wall.ts';
import { inspectFile } from '#provisioning/inspection.ts';
import { readGiven } from './issue.ts';

export async function inspect(file: string, { json }: { readonly json?: boolean }): Promise<void> {
  const found = await inspectFile(await readGiven(file, 'file'), wallSeconds());
  if (json === true) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  for (const { kind, facts, problems } of found) {
    const lines = Object.entries(facts).map(([name, value]) => `  ${name.padEnd(16)}${[value].flat().join(', ')}`);
    const wrong = problems.map((problem) => `  ! ${problem}`);
    process.stdout.write(`${[kind, ...lines, ...wrong].join('\n')}\n`);
  }
}
