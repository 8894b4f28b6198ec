import type { ListName, Outcome, Result, SideName } from './table.ts';

const lists: readonly ListName[] = ['CSIP-AUS', 'SunSpec CSIP v1.2'];
const sides: readonly SideName[] = ['server', 'client'];
const results: readonly Result[] = ['pass', 'fail', 'not applicable'];

const counts = (outcomes: readonly Outcome[]): string =>
  results.map((result) => `${outcomes.filter((outcome) => outcome.result === result).length} ${result}`).join(', ');

/** A clause stands beside what is not applicable. Why a test failed is told by the run: it would differ every time. */
const row = ({ id, title, result, note }: Outcome): string =>
  `| ${id} | ${title} | ${result} | ${result === 'not applicable' ? note : ''} |`.replace(/ {2,}\|$/, ' |');

/** The text of RESULTS.md: the same outcomes always give the same text. */
export function resultsText(outcomes: readonly Outcome[]): string {
  const sections = lists.flatMap((list) =>
    sides.flatMap((side) => {
      const rows = outcomes.filter((outcome) => outcome.list === list && outcome.side === side);
      if (rows.length === 0) return [];
      const head = [`## ${list}, ${side}`, '', `${counts(rows)}.`, ''];
      return [...head, '| id | title | result | clause |', '|---|---|---|---|', ...rows.map(row), ''];
    }),
  );
  return [
    '# Conformance',
    '',
    'Written by `npm run conformance`; `npm run conformance -- --check` proves that it is what the run would write.',
    '',
    `${outcomes.length} tests: ${counts(outcomes)}.`,
    '',
    ...sections,
  ].join('\n');
}
