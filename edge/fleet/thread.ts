import { serveThread } from '#hal/thread-link.ts';
import { Fleet } from './fleet.ts';
import type { LaneProtocol } from './protocol.ts';

/** A worker thread with a lane of the boards: started and led by `Lanes`. */
const fleet = new Fleet();

serveThread<LaneProtocol>({
  open: (config) => fleet.open(config),
  enrol: (service) => fleet.enrol(service),
  begin: (begin) => fleet.begin(begin),
  runUntil: (bound) => fleet.runUntil(bound),
  report: () => fleet.report(),
  stop: () => fleet[Symbol.asyncDispose](),
});
