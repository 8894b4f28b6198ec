import { createHash, type X509Certificate } from 'node:crypto';
import { escaped } from '#hal/markup.ts';
import type { CtReport } from './ct-report.ts';
import { methodWords } from './ct-words.ts';
import { canonicalJson, type ReportSignature, type SignedReport } from './signed-report.ts';

/** As it is printed: with a minus sign, not a hyphen. */
const printed = (figure: string): string => figure.replace(/^-/, '−');

/** Of the canonical JSON of the report: what a printed page and its file have in common. */
export const fingerprintOf = (report: unknown): string =>
  createHash('sha256')
    .update(canonicalJson(report))
    .digest('hex')
    .toUpperCase()
    .replaceAll(/(.{8})(?=.)/g, '$1 ');

const verdictWords = {
  good: 'All clamps are right',
  fault: 'Not all clamps are right',
  undecided: 'Not everything could be judged',
} as const;
const stateWords = { good: 'right', fault: 'wrong', undecided: 'not judged' } as const;

const style = `
@page { size: A4; margin: 16mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.45 "Liberation Sans", Arial, sans-serif; color: #14181d; margin: 0 auto; max-width: 186mm; padding: 6mm 0; }
h1 { font-size: 17pt; margin: 0; } h2 { font-size: 11.5pt; margin: 6mm 0 2mm; border-bottom: .3mm solid #b9c0c8; padding-bottom: 1mm; }
.head { display: flex; justify-content: space-between; align-items: flex-start; border-bottom: .6mm solid #14181d; padding-bottom: 3mm; }
.head p { margin: 1mm 0 0; color: #505a65; }
.verdict { border: .4mm solid; border-radius: 1.5mm; padding: 2mm 4mm; font-weight: bold; white-space: nowrap; }
.good { color: #11632f; } .fault { color: #a11616; } .undecided { color: #7a5300; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: bold; color: #505a65; font-size: 9pt; }
th, td { padding: 1.2mm 3mm 1.2mm 0; vertical-align: top; border-bottom: .15mm solid #dde1e6; } td.n, th.n { text-align: right; white-space: nowrap; }
tr { break-inside: avoid; } .mend { color: #505a65; } dl { display: grid; grid-template-columns: 34mm 1fr; gap: .8mm 3mm; margin: 3mm 0; } dt { color: #505a65; } dd { margin: 0; }
svg { width: 100%; height: 46mm; } code { font: 8.5pt "Liberation Mono", monospace; word-break: break-all; }
.sign { display: flex; gap: 12mm; margin-top: 16mm; } .sign div { flex: 1; border-top: .25mm solid #14181d; padding-top: 1mm; color: #505a65; font-size: 9pt; }
`;

/** The report as a page to print: complete in itself, nothing is loaded. */
export function reportPage(signed: SignedReport<CtReport>, signature: ReportSignature): string {
  const { report } = signed;
  const { meterId, name, at, verdict, method, step, seconds, frames, technician, software, balance } = report;
  const facts: readonly (readonly [string, string])[] = [
    ['Meter', meterId],
    ['Building', name],
    ['Checked', `${at.replace('T', ' ').replace('Z', '')} UTC, ${methodWords[method]}`],
    ...(step === null ? [] : [['Step', `${step.heightW} W, made by the ${step.by}`] as const]),
    ['Seen', `${frames} frames in ${seconds} s`],
    ['Technician', technician ?? ''],
    ['Program', software],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clamp check ${escaped(meterId)} ${escaped(at)}</title><style>${style}</style></head><body>
<div class="head"><div><h1>Clamp check</h1><p>${escaped(name)} · ${escaped(meterId)}</p></div><div class="verdict ${verdict}">${verdictWords[verdict]}</div></div>
<dl>${facts.map(([term, text]) => `<dt>${term}</dt><dd>${escaped(text)}</dd>`).join('')}</dl>
<h2>Clamps</h2>
<table><thead><tr><th class="n">Input</th><th>Sees</th><th class="n">Factor</th><th class="n">Mean</th><th class="n">Noise</th><th>Result</th></tr></thead><tbody>
${report.clamps.map(clampRow).join('\n')}
</tbody></table>
<h2>Together</h2><p class="${balance.verdict}">${escaped(balance.finding)}</p>
<h2>What was seen</h2>
${plot(report)}
<h2>Signature</h2>
<dl><dt>Signed by</dt><dd>${signature.chain[0] === undefined ? 'a key that no certificate speaks for' : escaped(subjectOf(signature.chain[0]))}</dd>
<dt>Fingerprint</dt><dd><code>${fingerprintOf(report)}</code></dd>
<dt>Check it with</dt><dd><code>gridtokenx verify report FILE.json --ca ca.pem</code></dd></dl>
<div class="sign"><div>Technician, date</div><div>Owner, date</div></div>
</body></html>
`;
}

function subjectOf(certificate: X509Certificate): string {
  const { serialNumber, issuer } = certificate;
  return `certificate ${serialNumber}, issued by ${issuer.replaceAll('\n', ', ')}`;
}

function clampRow(clamp: CtReport['clamps'][number]): string {
  const { channel, sees, phase, factor, uncertainty, meanW, noiseW, verdict, finding, mend } = clamp;
  const figures = [
    factor === undefined
      ? '–'
      : `${factor.toFixed(2)}${uncertainty === undefined ? '' : ` ± ${uncertainty.toFixed(2)}`}`,
    `${meanW} W`,
    noiseW === undefined ? '–' : `${noiseW} W`,
  ];
  const where = `${sees}${phase === undefined ? '' : ` ${phase}`}`;
  const advice = mend === null ? '' : `<div class="mend">${escaped(mend)}</div>`;
  return `<tr><td class="n">${channel}</td><td>${where}</td>${figures.map((text) => `<td class="n">${escaped(printed(text))}</td>`).join('')}<td><b class="${verdict}">${stateWords[verdict]}</b> · ${escaped(finding)}${advice}</td></tr>`;
}

const plotSize = { width: 900, height: 220, left: 62, bottom: 24, top: 8 } as const;
const colours = ['#1f5fbf', '#b35c00', '#5b3fa6', '#00766c', '#a3195b', '#4d5b00'] as const;
const derColour = '#11632f';
const meterColour = '#8a929b';

interface Curve {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

/** Power over time: each clamp, what inverter and battery say they give, and the meter. */
function plot({ series, clamps }: CtReport): string {
  const curves: Curve[] = clamps.map(({ channel, sees, phase }, i) => ({
    name: `input ${channel} (${sees}${phase === undefined ? '' : ` ${phase}`})`,
    colour: colours[i % colours.length] ?? colours[0],
    values: series.map(({ clampsW }) => clampsW[channel - 1] ?? null),
  }));
  curves.push({ name: 'inverter and battery', colour: derColour, values: series.map(({ derW }) => derW) });
  if (series.some(({ meterW }) => meterW !== null))
    curves.push({ name: 'meter', colour: meterColour, values: series.map(({ meterW }) => meterW) });
  const known = curves.flatMap(({ values }) => values.filter((w) => w !== null));
  const last = Math.max(1, series.at(-1)?.second ?? 1);
  const [low, high] = [Math.min(0, ...known), Math.max(100, ...known)];
  const { width, height, left, bottom, top } = plotSize;
  const x = (second: number): number => left + ((width - left) * second) / last;
  const y = (w: number): number => top + ((height - bottom - top) * (high - w)) / (high - low);
  const line = ({ colour, values }: Curve): string => {
    const points = values.flatMap((w, i) =>
      w === null ? [] : [`${x(series[i]!.second).toFixed(1)},${y(w).toFixed(1)}`],
    );
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.6" points="${points.join(' ')}"/>`;
  };
  const grid = [low, 0, high].filter((w, i, all) => all.indexOf(w) === i);
  const rules = grid.map(
    (w) =>
      `<line x1="${left}" x2="${width}" y1="${y(w).toFixed(1)}" y2="${y(w).toFixed(1)}" stroke="#dde1e6"/><text x="${left - 6}" y="${(y(w) + 4).toFixed(1)}" text-anchor="end" font-size="12" fill="#505a65">${printed((w / 1000).toFixed(1))} kW</text>`,
  );
  const legend = curves
    .map(({ name, colour }) => `<span style="color:${colour}">■ ${escaped(name)}</span>`)
    .join(' &nbsp; ');
  return `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Power over time">${rules.join('')}${curves.map(line).join('')}<text x="${width}" y="${height - 6}" text-anchor="end" font-size="12" fill="#505a65">${last} s</text></svg><p style="font-size:9pt;margin:1mm 0">${legend}</p>`;
}
