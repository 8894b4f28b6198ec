import { relative } from 'node:path';
import type { EventData } from 'node:test';

/** Pure rules of which every branch is tested, and the folders whose code is measured. */
export const pureRules: readonly string[] = [
  'drivers/site/battery.ts',
  'edge/control/ladder.ts',
  'edge/control/limit-ramp.ts',
  'edge/control/moves.ts',
  'edge/control/power-plan.ts',
  'edge/net-register.ts',
  'edge/trading/forecast.ts',
  'hal/emulated/lockstep.ts',
  'hal/emulated/virtual-clock.ts',
  'head-end/market/clear.ts',
  'head-end/market/fills.ts',
  'head-end/market/orders.ts',
  'head-end/market/pair.ts',
  'head-end/market/price.ts',
  'head-end/market/ration.ts',
  'head-end/market/trade.ts',
  'head-end/settlement/netting.ts',
  'ieee2030_5/active-power.ts',
  'ieee2030_5/events/event-status.ts',
  'ieee2030_5/events/life.ts',
  'ieee2030_5/events/modes.ts',
  'ieee2030_5/events/period.ts',
  'ieee2030_5/events/ramp.ts',
  'ieee2030_5/events/responses.ts',
  'ieee2030_5/events/schedule.ts',
  'ieee2030_5/events/supersede.ts',
  'ieee2030_5/identity.ts',
  'ieee2030_5/list.ts',
];

export const measured = ['hal', 'drivers', 'ieee2030_5', 'provisioning', 'edge', 'head-end', 'boards', 'cli'] as const;

type Summary = EventData.TestCoverage['summary'];

/** A table of the lines, branches and functions that the tests reached, a row a file. */
export function coverageTable(summary: Summary, root: string): string {
  const rows = summary.files
    .map((file) => [
      relative(root, file.path),
      percent(file.coveredLinePercent),
      percent(file.coveredBranchPercent),
      percent(file.coveredFunctionPercent),
    ])
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const { totals } = summary;
  const total = [totals.coveredLinePercent, totals.coveredBranchPercent, totals.coveredFunctionPercent].map(percent);
  const table = [['file', 'lines %', 'branches %', 'functions %'], ...rows, ['all files', ...total]];
  const width = Math.max(...table.map(([name = '']) => name.length));
  return table
    .map(([name = '', ...figures]) => `${name.padEnd(width)}  ${figures.map((figure) => figure.padStart(11)).join('')}`)
    .join('\n');
}

const percent = (value: number): string => value.toFixed(1);

/**
 * What is wrong with the coverage of the pure rules, a line a file: a branch that no test takes, or a file that
 * no test loads.
 */
export function uncoveredRules(summary: Summary, root: string, rules: readonly string[]): string[] {
  const files = new Map(summary.files.map((file) => [relative(root, file.path), file]));
  return rules.flatMap((rule) => {
    const file = files.get(rule);
    if (file === undefined) return [`${rule}: no test loads it`];
    const missed = file.branches.filter(({ count }) => count === 0).map(({ line }) => line);
    return missed.length === 0 ? [] : [`${rule}: no test takes the branches at line ${missed.join(', ')}`];
  });
}
