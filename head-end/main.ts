import { serveParent } from '#hal/process-link.ts';
import { HeadEnd } from './head-end.ts';
import type { HeadEndProtocol } from './protocol.ts';

/** The head-end's process of a campus: forked and led by the campus command. */
const headEnd = new HeadEnd((error) => {
  // Without its database a head-end must not go on: it ends, and says why.
  process.stderr.write(`${error.describe()}\n`);
  process.exit(1);
});

const stop = (): Promise<void> => headEnd[Symbol.asyncDispose]();

serveParent<HeadEndProtocol>(
  {
    open: (config) => headEnd.open(config),
    begin: (begin) => headEnd.begin(begin),
    runUntil: (bound) => headEnd.runUntil(bound),
    status: async () => headEnd.status(),
    report: (of) => headEnd.report(of),
    stop,
  },
  stop,
);
