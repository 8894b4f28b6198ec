import type { ConformanceSide } from '../table.ts';
import { csipAusTests } from './csip-aus.ts';
import { ServerStand } from './stand.ts';
import { identityTests, monitoringTests } from './sunspec/basic.ts';
import { commTests } from './sunspec/comm.ts';
import { eventTests } from './sunspec/core-events.ts';
import { groupTests } from './sunspec/core-groups.ts';
import { coreTests } from './sunspec/core.ts';
import { maintenanceTests, redirectTests } from './sunspec/maintenance.ts';
import { modeTests } from './sunspec/modes.ts';
import { aggregatorScenarioTests, basicScenarioTests } from './sunspec/scenarios.ts';
import {
  aggregatorSubscriptionTests,
  subscriptionTests,
  survivalTests,
  terminationTests,
} from './sunspec/subscriptions.ts';

/** The tests of our server, in the order of their lists. */
export const serverSide: ConformanceSide<ServerStand> = {
  side: 'server',
  open: () => ServerStand.open(),
  tests: [
    ...csipAusTests,
    ...commTests,
    ...coreTests,
    ...groupTests,
    ...subscriptionTests,
    ...eventTests,
    ...identityTests,
    ...modeTests,
    ...basicScenarioTests,
    ...monitoringTests,
    ...aggregatorSubscriptionTests,
    ...aggregatorScenarioTests,
    ...redirectTests,
    ...survivalTests,
    ...maintenanceTests,
    ...terminationTests,
  ],
};
