import type { ConformanceSide } from '../table.ts';
import { csipAusTests } from './csip-aus.ts';
import { ClientStand } from './stand.ts';
import { basicTests } from './sunspec/basic.ts';
import { basicModeTests } from './sunspec/basic-modes.ts';
import { aggregatorProgramTests, basicProgramTests } from './sunspec/basic-programs.ts';
import { commTests } from './sunspec/comm.ts';
import { coreTests } from './sunspec/core.ts';
import { coreEventTests } from './sunspec/core-events.ts';
import { coreProgramTests } from './sunspec/core-programs.ts';
import type { SunSpecTest } from './sunspec/scene.ts';
import { upkeepTests } from './sunspec/upkeep.ts';

/** The groups of SunSpec's list, in its order. */
const groups = ['COMM', 'CORE', 'BASIC', 'AGG', 'ERR', 'MAINT'];
const placeOf = ({ id }: SunSpecTest): number => groups.indexOf(id.slice(0, id.indexOf('-')));

const sunSpecTests = [
  ...commTests,
  ...coreTests,
  ...coreProgramTests,
  ...coreEventTests,
  ...basicTests,
  ...basicModeTests,
  ...basicProgramTests,
  ...aggregatorProgramTests,
  ...upkeepTests,
].toSorted((a, b) => placeOf(a) - placeOf(b) || (a.id < b.id ? -1 : 1));

/** The tests of our client: a board and its building, or the 2030.5 client alone, against a raw server. */
export const clientSide: ConformanceSide<ClientStand> = {
  side: 'client',
  open: () => ClientStand.open(),
  tests: [...csipAusTests, ...sunSpecTests],
};
