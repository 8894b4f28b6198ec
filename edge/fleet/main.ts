import { serveParent } from '#hal/process-link.ts';
import { Lanes } from './lanes.ts';
import type { FleetProtocol } from './protocol.ts';

/** The boards' process of a campus: forked and led by the campus command. */
const lanes = new Lanes();

const stop = (): Promise<void> => lanes[Symbol.asyncDispose]();

serveParent<FleetProtocol>(
  {
    open: (config) => lanes.open(config),
    enrol: (service) => lanes.enrol(service),
    begin: (begin) => lanes.begin(begin),
    runUntil: (bound) => lanes.runUntil(bound),
    report: () => lanes.report(),
    stop,
  },
  stop,
);
