/**
 * Writes `models.generated.ts` from the SunSpec Alliance's model files (github.com/sunspec/models, `json/`):
 * `node drivers/sunspec/generate.ts [DIR]`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GridError, reasonOf } from '#hal/errors.ts';
import { type GroupTable, type PointTable, pointTypes, type PointType } from './table.ts';

export const defaultSource = fileURLToPath(new URL('../../../shared/sunspec/json', import.meta.url));
export const generatedFile = fileURLToPath(new URL('models.generated.ts', import.meta.url));

/** The enumerations that drivers and twins name; the others stay out to keep the table small. */
const symbolsOf: Readonly<Record<number, readonly string[]>> = {
  101: ['St'],
  102: ['St'],
  103: ['St'],
  120: ['DERTyp'],
  123: ['Conn', 'WMaxLim_Ena'],
  124: ['ChaGriSet'],
  701: ['ACType', 'St', 'InvSt', 'ConnSt'],
  704: ['WSetEna', 'WSetMod', 'WSetEnaRvrt', 'WMaxLimPctEna', 'WMaxLimPctEnaRvrt'],
  713: ['Sta'],
  714: ['PrtTyp', 'DCSta'],
  715: ['LocRemCtl'],
  802: ['ChaSt', 'LocRemCtl', 'Typ', 'State'],
};

interface SourcePoint {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sf?: string | number;
  readonly units?: string;
  readonly access?: string;
  readonly static?: string;
  readonly symbols?: readonly { readonly name: string; readonly value: number }[];
}

interface SourceGroup {
  readonly name: string;
  readonly count?: number | string;
  readonly points?: readonly SourcePoint[];
  readonly groups?: readonly SourceGroup[];
}

const fault = (where: string, what: string): GridError =>
  new GridError('GTX-SUN-010', `${where}: ${what}`, {
    kind: 'input',
    hint: 'Give the folder `json` of github.com/sunspec/models.',
  });

function pointTable(point: SourcePoint, at: number, where: string, hasSymbols: boolean): PointTable {
  if (!Object.hasOwn(pointTypes, point.type)) throw fault(where, `unknown type ${point.type}`);
  const type = point.type as PointType;
  if (type !== 'string' && pointTypes[type] !== point.size) throw fault(where, `${type} of ${point.size} registers`);
  if (typeof point.sf === 'number') throw fault(where, 'a scale factor that is no point');
  return {
    type,
    at,
    size: point.size,
    ...(point.sf === undefined ? {} : { sf: point.sf }),
    ...(point.units === undefined ? {} : { unit: point.units }),
    ...(point.access === 'RW' ? { rw: true } : {}),
    ...(point.static === 'S' ? { fixed: true } : {}),
    ...(hasSymbols ? { symbols: Object.fromEntries((point.symbols ?? []).map((s) => [s.name, s.value])) } : {}),
  };
}

function groupTable(group: SourceGroup, model: number, root: SourceGroup): GroupTable {
  const where = `model ${model} group ${group.name}`;
  const points: Record<string, PointTable> = {};
  let at = 0;
  for (const point of group.points ?? []) {
    if (Object.hasOwn(points, point.name)) throw fault(where, `two points ${point.name}`);
    const hasSymbols = symbolsOf[model]?.includes(point.name) ?? false;
    points[point.name] = pointTable(point, at, `${where} point ${point.name}`, hasSymbols);
    at += point.size;
  }
  const count = group.count ?? 1;
  const inRoot = (name: string): boolean => (root.points ?? []).some((point) => point.name === name);
  if (typeof count === 'string' && !inRoot(count)) throw fault(where, `its count ${count} is no point of the model`);
  const groups = (group.groups ?? []).map((inner) => groupTable(inner, model, root));
  for (const { sf } of Object.values(points)) {
    if (sf !== undefined && !inRoot(sf)) throw fault(where, `its scale factor ${sf} is no point of the model`);
  }
  return { name: group.name, size: at, count, points, groups };
}

const keyOf = (name: string): string => (/^\w+$/.test(name) ? name : JSON.stringify(name));

const literal = (value: object): string =>
  `{ ${Object.entries(value)
    .map(([key, item]) => `${keyOf(key)}: ${typeof item === 'object' ? literal(item as object) : JSON.stringify(item)}`)
    .join(', ')} }`;

function print(group: GroupTable, indent: string): string {
  const { name, size, count, points, groups } = group;
  const lines = Object.entries(points).map(([point, table]) => `${indent}    ${point}: ${literal(table)},\n`);
  const inner = groups.map((child) => `${indent}    ${print(child, `${indent}    `)},\n`).join('');
  const head = `${indent}  name: ${JSON.stringify(name)}, size: ${size}, count: ${JSON.stringify(count)},\n`;
  const body = `${indent}  points: {\n${lines.join('')}${indent}  },\n`;
  return `{\n${head}${body}${indent}  groups: [${inner === '' ? '' : `\n${inner}${indent}  `}],\n${indent}}`;
}

/** The text of the generated file. Errors: `GTX-SUN-010` for a folder or a model that is not what it should be. */
export function generateModels(source: string): string {
  const models: { id: number; group: SourceGroup }[] = [];
  try {
    for (const file of readdirSync(source)) {
      if (!/^model_\d+\.json$/.test(file)) continue;
      models.push(JSON.parse(readFileSync(join(source, file), 'utf8')) as { id: number; group: SourceGroup });
    }
  } catch (error) {
    throw fault(source, reasonOf(error));
  }
  if (models.length === 0) throw fault(source, 'no model_<id>.json there');
  models.sort((a, b) => a.id - b.id);
  const entries = models.map(({ id, group }) => `  ${id}: ${print(groupTable(group, id, group), '  ')},\n`);
  return `// Generated by drivers/sunspec/generate.ts from github.com/sunspec/models (Apache License 2.0); do not edit.
import type { GroupTable } from './table.ts';

export const models = {
${entries.join('')}} as const satisfies Readonly<Record<number, GroupTable>>;
`;
}

if (import.meta.main) {
  try {
    writeFileSync(generatedFile, generateModels(process.argv[2] ?? defaultSource));
  } catch (error) {
    process.stderr.write(`${error instanceof GridError ? error.describe() : reasonOf(error)}\n`);
    process.exitCode = error instanceof GridError && error.kind === 'input' ? 2 : 1;
  }
}
