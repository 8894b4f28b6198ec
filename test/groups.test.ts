import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processesFor } from './groups.ts';

const file = (path: string, source = "import { test } from 'node:test';") => ({ path, source });

test('small files share processes in their order, a few each', () => {
  const paths = Array.from({ length: 10 }, (_, index) => `hal/${index}.test.ts`);
  const { alone, together } = processesFor(paths.map((path) => file(path)));
  assert.deepEqual(alone, []);
  assert.deepEqual(together, [paths.slice(0, 8), paths.slice(8)]);
});

test('what crosses folders, is long, starts processes or changes its own has a process to itself', () => {
  const files = [
    file('test/campus/day.test.ts'),
    file('edge/outage.long.test.ts'),
    file('ieee2030_5/fuzz.test.ts'),
    file('cli/boards.test.ts', "import { gridtokenx } from '../test-command.ts';"),
    file('hal/lock.test.ts', "import { fork } from 'node:child_process';"),
    file('hal/home.test.ts', "process.env['HOME'] = '/';"),
    file('hal/signals.test.ts', "process.on('SIGHUP', () => undefined);"),
    file('hal/fake.test.ts', 't.mock.timers.enable();'),
    file('provisioning/fuzz.test.ts', 'const samples = await madeSamples();'),
    file('ieee2030_5/judge.test.ts', "import { judge } from './judge/libxml.ts';"),
  ];
  assert.deepEqual(processesFor(files), { alone: files.map(({ path }) => path), together: [], simulations: [] });
  assert.deepEqual(processesFor([file('hal/wait.test.ts', '  const x = await y();')]).alone, []);
});

test('simulations of a whole site share processes of their own', () => {
  const simulations = [
    file('edge/control/hours.test.ts', "import { startSite } from './test-site.ts';"),
    file('drivers/faults.test.ts', "import { benches } from './fault-benches.ts';"),
    file('edge/stands.test.ts', "import { Site } from '#drivers/site/site.ts';"),
  ];
  const { together, simulations: found } = processesFor([...simulations, file('hal/small.test.ts')]);
  assert.deepEqual(together, [['hal/small.test.ts']]);
  assert.deepEqual(found, [simulations.map(({ path }) => path)]);
});
