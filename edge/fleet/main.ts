import { serveParent } from '#hal/process-link.ts';
import { Fleet } from './fleet.ts';
import type { FleetProtocol } from './protocol.ts';

/** The boards' process of a campus: forked and led by the campus command. */
const fleet = new Fleet();

const stop = (): Promise<void> => fleet[Symbol.asyncDispose]();

serveParent<FleetProtocol>(
  {
    open: (config) => fleet.open(config),
    enrol: (service) => fleet.enrol(service),
    begin: (begin) => fleet.begin(begin),
    runUntil: (bound) => fleet.runUntil(bound),
    report: async () => fleet.report(),
    stop,
  },
  stop,
);
