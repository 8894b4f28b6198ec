import type { ClientProcedure } from '../procedure.ts';
import { type Hands, ProcedureRun } from './procedure-run.ts';
import { type SiteOptions, SiteUnderTest } from './site-under-test.ts';
import type { ClientStand } from './stand.ts';
import type { UnderTest } from './under-test.ts';

/** Seconds; the longest procedure takes three days. */
const longestRun = 7 * 86_400;

/** What a test needs beside its procedure. */
export interface Scene extends Omit<SiteOptions, 'stand'> {
  /** Sets the site and its utility up before the board is switched on. */
  readonly prepare?: (site: SiteUnderTest) => void;
  /** What a person does and sees. */
  readonly hands?: (site: SiteUnderTest) => Hands;
}

/** Runs a procedure on a site of its own; throws with everything that does not hold. */
export async function runAtSite(procedure: ClientProcedure, scene: Scene, stand: ClientStand): Promise<void> {
  await using site = await SiteUnderTest.open({ ...scene, stand });
  scene.prepare?.(site);
  await runProcedure(procedure, site, scene.hands?.(site) ?? {});
}

/** Runs a procedure with a client that is off; throws with everything that does not hold. */
export async function runProcedure(procedure: ClientProcedure, subject: UnderTest, hands: Hands): Promise<void> {
  const { server, identity, clock } = subject;
  const { utility, requests, notifier } = server;
  const run = new ProcedureRun(procedure, { utility, requests, notifier, clientLfdi: identity.lfdi, hands });
  server.observer = (request, isServed) => run.request(request, isServed);
  using _second = clock.every({ name: 'procedure', period: subject.stepSeconds, phase: 'close' }, () => run.second());
  run.begin();
  await subject.boot();
  await subject.pass(longestRun, () => !run.isOver);
  const faults = run.faults();
  if (faults.length > 0) throw new Error(`${faults.join('\n')}\nthe last requests:\n${requests.tail(12)}`);
}
