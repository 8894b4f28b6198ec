import { driversOf } from '#drivers/registry.ts';
import type { MeterCandidate } from '#drivers/commissioning/identify-meter.ts';
import type { SunSpecFinding, SunSpecPart } from '#drivers/commissioning/identify-sunspec.ts';
import type { EmonFinding } from '#drivers/commissioning/listen-emon.ts';
import type { UnitFinding } from '#drivers/commissioning/scan-units.ts';

/** What was found at one port. */
export interface Detected {
  readonly place: string;
  /** As a board file has it. */
  readonly port: { readonly tcp: string } | { readonly serial: string; readonly baud: number };
  /** Of a serial line. */
  readonly setting: string | undefined;
  readonly found: readonly UnitFinding[];
  readonly emon: EmonFinding | undefined;
  /** Units, or settings of a serial line, at which something came that was no answer. */
  readonly damaged: readonly (number | string)[];
}

/** A line for `devices:` of a board file. */
export interface Suggestion {
  readonly role: 'clamps' | 'inverter' | 'battery';
  readonly unit: number | undefined;
  readonly driver: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

const portName = 'line1';
const reservePercent = 20;

/** What a board file says of each device that a driver can be named for. */
export function suggestionsFor({ found, emon }: Detected): readonly Suggestion[] {
  const heard: readonly Suggestion[] =
    emon === undefined
      ? []
      : [{ role: 'clamps', unit: undefined, driver: 'emontx', settings: { gridChannel: 1, ...okFramesOf(emon) } }];
  return [...heard, ...found.flatMap(suggestionsOf)];
}

const okFramesOf = ({ okFrames }: EmonFinding): object => {
  const { layout, node } = okFrames ?? {};
  return layout === undefined ? {} : { okFrames: { layout, node } };
};

function suggestionsOf({ unit, sunSpec, meters }: UnitFinding): readonly Suggestion[] {
  if (sunSpec !== undefined) return sunSpec.parts.map((part) => ({ ...sunSpecSuggestions[part](sunSpec), unit }));
  const [best] = meters;
  const isDriver = driversOf('clamps').some(({ name }) => name === best?.map);
  return best === undefined || !isDriver
    ? []
    : [{ role: 'clamps', unit, driver: best.map, settings: { gridChannel: 1 } }];
}

const knownOnly = (settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));

/** What the device does not tell is left out: the board file then asks for it. */
const sizesOf = ({ ratedW, isLegacy }: SunSpecFinding): Readonly<Record<string, unknown>> =>
  knownOnly({ ratedW, models: isLegacy ? 'legacy' : undefined });

const sunSpecSuggestions: {
  readonly [Part in SunSpecPart]: (finding: SunSpecFinding) => Omit<Suggestion, 'unit'>;
} = {
  meter: () => ({ role: 'clamps', driver: 'sunspec-meter', settings: { gridChannel: 1 } }),
  inverter: (finding) => ({ role: 'inverter', driver: 'sunspec-inverter', settings: sizesOf(finding) }),
  battery: (finding) => ({
    role: 'battery',
    driver: 'sunspec-battery',
    settings: { ...sizesOf(finding), ...knownOnly({ capacityWh: finding.capacityWh }), reservePercent },
  }),
};

const flow = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `{ ${Object.entries(value)
        .map(([key, each]) => `${key}: ${flow(each)}`)
        .join(', ')} }`
    : JSON.stringify(value);

const plain = (value: unknown): string => flow(value).replaceAll(/: "([a-z][a-z0-9-]*)"/gi, ': $1');

/** The sections `ports` and `devices` of a board file. A role that is there already stands as a comment. */
export function snippetOf({ port }: Detected, suggestions: readonly Suggestion[]): string {
  const taken = new Set<string>();
  const lines = suggestions.map(({ role, driver, unit, settings }) => {
    const isTaken = taken.has(role);
    taken.add(role);
    return `  ${isTaken ? '# ' : ''}${role}: ${plain({ driver, port: portName, ...(unit !== undefined && { unit }), ...settings })}\n`;
  });
  return `ports:\n  ${portName}: ${flow(port)}\ndevices:\n${lines.join('')}`;
}

/** What a person reads. */
export function textOf(detected: Detected, suggestions: readonly Suggestion[]): string {
  const { place, setting, found, emon, damaged } = detected;
  const head = `${place}${setting === undefined ? '' : ` at ${setting}`}\n`;
  const heard = emon === undefined ? '' : emonText(emon);
  const units = found.map(unitText).join('');
  const bad =
    damaged.length === 0 || found.length + (emon === undefined ? 0 : 1) === 0
      ? ''
      : `Damaged answers: ${damaged.join(', ')}\n`;
  if (suggestions.length === 0) return `${head}${heard}${units}${bad}`;
  return `${head}${heard}${units}${bad}\nFor the board file:\n${snippetOf(detected, suggestions)}`;
}

function emonText({ format, channels, line }: EmonFinding): string {
  const inputs = channels === undefined ? '' : `, ${channels} inputs`;
  return `  CT front-end, emonTx or emonPi (certain): sends ${format === 'ok' ? 'OK frames' : format}${inputs}\n    ${line.slice(0, 100)}\n`;
}

function unitText({ unit, sunSpec, meters, alsoAnswersTo }: UnitFinding): string {
  const also = alsoAnswersTo.length === 0 ? '' : `    answers as unit ${rangesOf(alsoAnswersTo)} too\n`;
  if (sunSpec !== undefined) return `${sunSpecText(unit, sunSpec)}${also}`;
  const [best, ...others] = meters;
  if (best === undefined) return `  unit ${unit}: answers, but is nothing that is known here\n${also}`;
  const fits = others.length === 0 ? '' : `    also fits: ${others.map(({ map }) => map).join(', ')}\n`;
  return `${meterText(unit, best)}${fits}${also}`;
}

const meterText = (unit: number, { title, certainty, evidence }: MeterCandidate): string =>
  `  unit ${unit}: ${title} (${certainty})\n    because ${evidence.slice(0, 3).join('; ')}\n`;

function sunSpecText(unit: number, finding: SunSpecFinding): string {
  const { manufacturer, model, serial, version, models, parts, ratedW, capacityWh } = finding;
  const sizes = [ratedW === undefined ? '' : `${ratedW} W`, capacityWh === undefined ? '' : `${capacityWh} Wh`];
  const what = [...parts, ...sizes.filter((size) => size !== '')].join(', ');
  return (
    `  unit ${unit}: ${manufacturer} ${model} (certain)${what === '' ? '' : `: ${what}`}\n` +
    `    serial number ${serial || 'none'}, version ${version || 'none'}, SunSpec models ${models.join(', ')}\n`
  );
}

/** `2 to 5, 9`. */
function rangesOf(units: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const unit of units) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === unit - 1) last[1] = unit;
    else ranges.push([unit, unit]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ');
}
