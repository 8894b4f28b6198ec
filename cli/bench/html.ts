import { escaped } from '#hal/markup.ts';
import { type Plot, plotSvg, type Sample, type Series } from './plot.ts';
import { type CaseResult, type Outcome, outcomeOf, type StepResult, summaryOf } from './result.ts';
import type { Second } from './bench-site.ts';

/**
 * The results as one page that needs nothing else: for each plan what was ordered against what was measured, and its
 * steps. It follows the reader's light or dark, and prints.
 * @param at when it was made, as it is to be shown
 */
export function htmlReport(results: readonly CaseResult[], at: string): string {
  const passed = results.filter((result) => outcomeOf(result) === 'passed').length;
  const contents = results.map(
    (result, i) =>
      `<li><a href="#plan-${i}">${mark(outcomeOf(result))} ${escaped(result.name)}</a> ${escaped(summaryOf(result))}</li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bench report</title>
<style>${css}</style>
</head>
<body>
<header>
<h1>Bench report</h1>
<p>${passed} of ${results.length} plans passed.</p>
</header>
<main>
<ul class="contents">
${contents.join('\n')}
</ul>
${results.map(section).join('\n')}
</main>
<footer><p>Made ${escaped(at)} by gridtokenx bench.</p></footer>
</body>
</html>
`;
}

const words: Readonly<Record<Outcome, string>> = { passed: 'passed', failed: 'failed', skipped: 'skipped' };
const signs: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✗', skipped: '–' };
const mark = (outcome: Outcome): string =>
  `<span class="${outcome}" title="${words[outcome]}" aria-label="${words[outcome]}">${signs[outcome]}</span>`;

function section(result: CaseResult, index: number): string {
  const { name, title, board, seed, isVirtual, error } = result;
  const how = isVirtual ? `twins, time of their own, seed ${seed}` : 'real time';
  return `<section id="plan-${index}" aria-labelledby="name-${index}">
<h2 id="name-${index}">${mark(outcomeOf(result))} ${escaped(name)}</h2>
<p>${escaped(title)}. Board ${escaped(board)}; ${how}. ${escaped(summaryOf(result))}.</p>
${error === undefined ? '' : `<p class="failed">Ended by ${escaped(error)}</p>`}
${plotsOf(result)
  .map((plot) => `<figure><figcaption>${escaped(plot.title)}</figcaption>${plotSvg(plot)}</figure>`)
  .join('\n')}
<table>
<thead><tr>${['Step', 'Result', 'What', 'Measured', 'Seconds'].map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>
${result.steps.map(row).join('\n')}
</tbody>
</table>
</section>`;
}

function row({ number, isCheck, outcome, text, detail, from, until }: StepResult): string {
  const sign = isCheck || outcome !== 'passed' ? mark(outcome) : '';
  const cells = [sign, escaped(text), escaped(detail), from === until ? String(from) : `${from}–${until}`];
  return `<tr class="${isCheck ? outcome : 'act'}"><th scope="row">${number}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

const of =
  (seconds: readonly Second[]) =>
  (value: (second: Second) => number | undefined): readonly Sample[] =>
    seconds.map((second) => ({ at: second.at, value: value(second) }));

const negative = (value: number | undefined): number | undefined => (value === undefined ? undefined : 0 - value);

function plotsOf({ seconds, steps }: CaseResult): readonly Plot[] {
  if (seconds.length < 2) return [];
  const samples = of(seconds);
  const bands = steps.filter(({ outcome }) => outcome === 'failed').map(({ from, until }) => ({ from, until }));
  const marks = steps
    .filter(({ isCheck, from, until }) => !isCheck && from === until)
    .map(({ number, from }) => ({ at: from, label: String(number) }));
  const shared = { unit: 'W', bands, marks: apart(marks) };
  const stepped = (name: string, style: string, value: (second: Second) => number | undefined): Series => ({
    name,
    style,
    samples: samples(value),
    isStepped: true,
  });
  const connection: Plot = {
    title: 'Connection point: power, import positive, and the limits ordered for it',
    ...shared,
    series: [
      { name: 'as it flows', style: 'flow', samples: samples(({ actual }) => actual.gridPower) },
      { name: 'as the board reads it', style: 'read', samples: samples(({ read }) => read.gridPower) },
      stepped('import limit', 'import-limit', ({ orders }) => orders.importW),
      stepped('export limit', 'export-limit', ({ orders }) => negative(orders.exportW)),
    ].filter(hasValues),
  };
  const devices: Plot = {
    title: 'PV and battery: power, generation and discharge positive, and what was ordered of them',
    ...shared,
    series: [
      { name: 'PV', style: 'pv', samples: samples(({ actual }) => actual.pvPower) },
      { name: 'battery', style: 'battery', samples: samples(({ actual }) => actual.batteryPower) },
      stepped('generation limit', 'import-limit', ({ orders }) => orders.generationW),
      stepped('battery target', 'export-limit', ({ orders }) => orders.batteryW),
      stepped('target of both', 'target', ({ orders }) => orders.plantW),
    ].filter(hasValues),
  };
  return [connection, devices].filter(({ series }) => series.length > 0);
}

const hasValues = ({ samples }: Series): boolean => samples.some(({ value }) => value !== undefined);

/** Steps done in one second share a mark, which has the number of the first. */
const apart = (marks: Plot['marks']): Plot['marks'] =>
  [...Map.groupBy(marks, ({ at }) => at).values()].map(([first]) => first!);

const css = `
:root{color-scheme:light dark;--ground:#fff;--ink:#1b1f24;--faint:#68707a;--line:#d8dde3;--blue:#0067b0;--pale:#9cc7e8;
--orange:#c8500a;--green:#0a7d55;--violet:#7d3fa8;--red:#b3261e;--tint:#b3261e22}
@media (prefers-color-scheme:dark){:root{--ground:#14171a;--ink:#e6e9ec;--faint:#98a2ad;--line:#343b42;--blue:#6cb6f0;
--pale:#2f5f86;--orange:#f0975a;--green:#4cc696;--violet:#c792ea;--red:#ff8a80;--tint:#ff8a8033}}
@media print{:root{color-scheme:light;--ground:#fff;--ink:#000;--faint:#444;--line:#bbb;--blue:#0067b0;--pale:#9cc7e8;
--orange:#c8500a;--green:#0a7d55;--violet:#7d3fa8;--red:#b3261e;--tint:#b3261e22}figure,tr{break-inside:avoid}h2{break-after:avoid}}
body{background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .3rem}p{margin:.3rem 0}a{color:inherit}
.contents{list-style:none;padding:0;color:var(--faint)}.contents li{display:flex;flex-wrap:wrap;gap:0 1rem}.contents a{color:var(--ink);text-decoration:none;flex-basis:20rem}
.passed>span,span.passed{color:var(--green)}.failed>span,span.failed,p.failed{color:var(--red)}span.skipped{color:var(--faint)}span[title]{font-weight:700}
figure{margin:.8rem 0;overflow-x:auto}figcaption{color:var(--faint);font-size:.85rem}svg{width:100%;min-width:40rem;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:var(--faint)}path{fill:none;stroke-width:1.5}
.grid{stroke:var(--line)}.zero{stroke:var(--faint)}.mark{stroke:var(--line);stroke-dasharray:2 3}.band{fill:var(--tint)}
.flow{stroke:var(--pale);stroke-width:5}.read{stroke:var(--blue)}.pv{stroke:var(--orange)}.battery{stroke:var(--green)}
.import-limit{stroke:var(--red);stroke-dasharray:7 4}.export-limit{stroke:var(--violet);stroke-dasharray:7 4}.target{stroke:var(--blue);stroke-dasharray:2 3}
table{border-collapse:collapse;width:100%;font-size:.9rem}th{text-align:left;color:var(--faint);font-weight:400}
td,th{padding:.15rem .6rem .15rem 0;vertical-align:top;border-bottom:1px solid var(--line)}td:last-child{color:var(--faint);white-space:nowrap}
tr.act td{color:var(--faint)}tr.failed td{background:var(--tint)}`;
