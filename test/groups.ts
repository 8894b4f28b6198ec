import { writeFileSync } from 'node:fs';

export interface TestFile {
  /** From the root of the tree. */
  readonly path: string;
  readonly source: string;
}

/**
 * What belongs to a whole process: a file that speaks of it, or starts others, is run in one of its own; so is one that
 * waits before it has its tests, as the judge of XSD does. And so is what crosses folders, and what is long by its name.
 */
const processWide = [
  /node:(child_process|worker_threads|v8)\b|\/test-command\.ts'/,
  /\bprocess\.(env|argv|on|once|kill|exit|exitCode|memoryUsage|cpuUsage)\b|\bglobalThis\b|\bmock\b/,
  /^(const \w+ = )?await /m,
  /\blibxml/,
];

/** A simulation of hours on the twins of a whole site: measuring its coverage would make it twice as long. */
const simulation = /from '[^']*\/(test-site|(fault|ct|dispatch|outage)-bench(es)?|site\/site)\.ts'/;

/** So many that what they share is loaded seldom, so few that there is always another group for an idle core. */
const filesInGroup = 8;
const simulationsInGroup = 4;

export interface Processes {
  /** Files that have a process each. */
  readonly alone: readonly string[];
  /** Files that share one. */
  readonly together: readonly (readonly string[])[];
  /** Files that share one whose coverage is not measured. */
  readonly simulations: readonly (readonly string[])[];
}

/**
 * Which files share a process: of the hundreds of small ones each would spend more on starting Node, and on loading and
 * compiling what its neighbours load as well, than on its tests. The order is kept.
 */
export function processesFor(files: readonly TestFile[]): Processes {
  const isAlone = ({ path, source }: TestFile): boolean =>
    /^test\/|\/fuzz\.|\.long\.test\.ts$/.test(path) || processWide.some((sign) => sign.test(source));
  const others = files.filter((file) => !isAlone(file));
  const isSimulation = ({ source }: TestFile): boolean => simulation.test(source);
  return {
    alone: pathsOf(files.filter(isAlone)),
    together: inGroups(pathsOf(others.filter((file) => !isSimulation(file))), filesInGroup),
    simulations: inGroups(pathsOf(others.filter(isSimulation)), simulationsInGroup),
  };
}

const pathsOf = (files: readonly TestFile[]): string[] => files.map(({ path }) => path);

function inGroups(paths: readonly string[], size: number): string[][] {
  const groups: string[][] = [];
  for (let at = 0; at < paths.length; at += size) groups.push(paths.slice(at, at + size));
  return groups;
}

/**
 * Writes a module that runs these files one after another, each as a suite by its path: so its hooks hold for its own
 * tests alone. Returns the module.
 * @param timeoutMs how long each file may take
 */
export function writeGroup(module: string, files: readonly string[], timeoutMs: number): string {
  // Required, not imported: a suite has the tests that are there when its function returns.
  const lines = [
    "import { createRequire } from 'node:module';",
    "import { suite } from 'node:test';",
    'const require = createRequire(import.meta.url);',
    `for (const file of ${JSON.stringify(files)}) suite(file, { timeout: ${timeoutMs} }, () => void require(file));`,
  ];
  writeFileSync(module, `${lines.join('\n')}\n`);
  return module;
}
