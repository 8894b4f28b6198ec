import { basename } from 'node:path';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import type { Moment } from '#hal/emulated/virtual-clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Protocol } from '#hal/calls.ts';
import { ChildLink } from '#hal/process-link.ts';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { everyWall, monotonicMs, wallSeconds } from '#hal/wall.ts';
import { loadTraces } from '#drivers/site/traces.ts';
import { type BoardFile, loadBoardFiles } from '#edge/board-file.ts';
import type { FleetProtocol } from '#edge/fleet/protocol.ts';
import type { HeadEndProtocol } from '#head-end/protocol.ts';
import { loadTpmProvider } from '#provisioning/tpm/provider/provider.ts';
import { boardsProgram, type ChildProgram, compileAhead, endChild, forkChild, headEndProgram } from './children.ts';
import { DataFolder } from './data-folder.ts';
import { checkPorts } from './ports.ts';
import { prepareIdentities } from './identities.ts';
import { type CampusOptions, startTime } from './options.ts';
import { untilStopped } from '../stop-signals.ts';
import { campusReport } from './report.ts';
import { checkReportPath, writeReport } from './report-file.ts';
import { firstAdministratorNotice } from '../access/notice.ts';
import { type Screen, screenFor } from './screen.ts';
import { prepareTpms } from './tpms.ts';
import { campusPassphrase } from '../provision/passphrase.ts';

const statusEveryMs = 1000;

/** Runs a campus until its hours are over or it is told to stop. Rejects with the first failure of any part. */
export async function runCampus(options: CampusOptions): Promise<void> {
  const startedMs = monotonicMs();
  using stopping = untilStopped();
  using screen = screenFor(process.stderr);
  await new Campus(options, screen, stopping.signal, startedMs).run();
}

class Campus {
  readonly #options: CampusOptions;
  readonly #screen: Screen;
  readonly #signal: AbortSignal;
  readonly #startedMs: number;
  #isAsking = false;
  /** When the stop began. */
  #stoppingSince: number | undefined;

  constructor(options: CampusOptions, screen: Screen, signal: AbortSignal, startedMs: number) {
    this.#options = options;
    this.#screen = screen;
    this.#signal = signal;
    this.#startedMs = startedMs;
  }

  async run(): Promise<void> {
    const options = this.#options;
    // Everything that the user gave is checked before anything is changed.
    const boardFiles = loadBoardFiles(options.boards);
    const meterIds = boardFiles.map((file) => file.meterId);
    if (options.traces !== undefined) await loadTraces(options.traces, meterIds);
    const zone = zoneOf(boardFiles);
    if (options.json !== undefined) checkReportPath(options.json);
    const isInTpm = options.tpm === 'swtpm';
    await checkPorts([
      { port: options.sepPort, what: 'the IEEE 2030.5 server', flag: '--sep-port' },
      { port: options.httpPort, what: 'the dashboard', flag: '--http-port' },
      { port: options.revocationPort, what: 'revocation lists', flag: '--revocation-port' },
      ...(isInTpm ? [{ port: options.enrolmentPort, what: 'the enrolment service', flag: '--enrolment-port' }] : []),
    ]);
    // Without a compiler there is no use in making TPMs.
    if (isInTpm) await loadTpmProvider();
    await using cleanup = new AsyncDisposableStack();
    const data = cleanup.use(await DataFolder.open(options.data));
    this.#screen.progress('certificates');
    const caFolder = data.folder('ca');
    const keysIn = isInTpm ? 'tpm' : 'file';
    const identities = await prepareIdentities(caFolder, data.folder('identities'), boardFiles, keysIn);
    if (isInTpm) this.#screen.progress('emulated TPMs');
    const making = isInTpm ? prepareTpms(data.folder('tpm'), boardFiles, this.#signal) : undefined;
    const tpms = making && (await unlessStopped(making, this.#signal));
    // Nothing is started for somebody who has asked to stop meanwhile.
    if (this.#signal.aborted) {
      this.#stoppedEarly();
      return;
    }
    const programs = [headEndProgram, boardsProgram(boardFiles.length)] as const;
    this.#screen.progress('head-end and boards');
    await compileAhead(programs, this.#signal);
    if (this.#signal.aborted) {
      this.#stoppedEarly();
      return;
    }
    const headEnd = this.#spawn<HeadEndProtocol>(cleanup, programs[0]);
    const fleet = this.#spawn<FleetProtocol>(cleanup, programs[1]);
    const logLevel = process.env['GRIDTOKENX_LOG'] ?? 'warn';
    const opening = Promise.all([
      headEnd.call('open', {
        dataFolder: data.folder('head-end', true),
        databaseUrl: options.database,
        sepPort: options.sepPort,
        httpPort: options.httpPort,
        identityFolder: identities.serverFolder,
        authority: {
          folder: caFolder,
          passphrase: await campusPassphrase(caFolder)(),
          revocationPort: options.revocationPort,
          ...(tpms && { enrolment: { port: options.enrolmentPort, makers: tpms.makers, boards: tpms.boards } }),
        },
        devices: identities.devices,
        zone,
        site: siteOf(options.boards, boardFiles),
        speed: options.speed,
        logLevel,
      }),
      fleet.call('open', {
        boards: boardFiles.map(({ meterId, path }) => ({ meterId, path })),
        dataFolder: data.folder('boards'),
        identitiesFolder: identities.boardsFolder,
        ...(tpms && { tpms: { folder: tpms.folder, ca: identities.ca } }),
        serverStaples: true,
        ...(options.traces !== undefined && { traces: { folder: options.traces, buildings: meterIds } }),
        sampleSeconds: options.sample,
        seed: options.seed,
        logLevel,
      }),
    ]);
    const open = await unlessStopped(opening, this.#signal);
    if (open === undefined) {
      this.#stoppedEarly();
      return;
    }
    const [opened, field] = open;
    const start = startTime(options.start, wallSeconds(), newestOf(opened.newest, field.newest));
    const serverUrl = `https://127.0.0.1:${opened.sepPort}/dcap`;
    const next = await headEnd.call('begin', { start });
    if (opened.enrolmentPort !== undefined) {
      this.#screen.progress('enrolment');
      const enrolling = fleet.call('enrol', { url: `https://127.0.0.1:${opened.enrolmentPort}` });
      if ((await unlessStopped(enrolling, this.#signal)) === undefined) {
        this.#stoppedEarly();
        return;
      }
    }
    const leader = new LockstepLeader(
      [
        { participant: participantOf(headEnd), next },
        { participant: participantOf(fleet), next: await fleet.call('begin', { start, serverUrl }) },
      ],
      {
        start,
        speed: options.speed,
        ...(options.hours === undefined ? {} : { end: UnixSeconds(start + Math.round(options.hours * 3600)) }),
      },
    );
    this.#screen.running([
      `${boardFiles.length} boards, IEEE 2030.5 at ${serverUrl}`,
      `dashboard    http://127.0.0.1:${opened.httpPort}/`,
      `data         ${options.data}`,
    ]);
    if (opened.firstAdministrator !== undefined)
      this.#screen.notice(firstAdministratorNotice(opened.firstAdministrator));
    await this.#lead(leader, headEnd, fleet);
  }

  #stoppedEarly(): void {
    this.#screen.done('stopped before it had started; the next start begins there');
  }

  async #lead(
    leader: LockstepLeader,
    headEnd: ChildLink<HeadEndProtocol>,
    fleet: ChildLink<FleetProtocol>,
  ): Promise<void> {
    using _status = everyWall(statusEveryMs, () => this.#showStatus(headEnd));
    await leader.run(this.#signal);
    const json = this.#options.json;
    const at = isoTime(leader.now());
    // Counting what is stored takes time, and who asked to stop wants to.
    if (this.#signal.aborted && json === undefined) {
      this.#screen.done(`stopped at ${at}; the next start goes on from there`);
      return;
    }
    const boards = await fleet.call('report', null);
    const settled = await headEnd.call('report', { since: boards.earliest, through: boards.acknowledgedThrough });
    const report = campusReport(boards, settled, monotonicMs() - this.#startedMs);
    if (json !== undefined) writeReport(json, report);
    const { readings, windows } = report;
    const told = `${readings.acknowledged} readings acknowledged, ${readings.lost} lost, ${windows} windows settled`;
    this.#screen.done(`${this.#signal.aborted ? 'stopped' : 'finished'} at ${at}: ${told}`);
  }

  #showStatus(headEnd: ChildLink<HeadEndProtocol>): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const ask = async (): Promise<void> => {
      this.#screen.status(await headEnd.call('status', null));
      this.#isAsking = false;
    };
    // A head-end that ended is reported by the leader, which waits for it too.
    ask().catch(() => undefined);
  }

  #spawn<P extends Protocol<P> & { readonly stop: (nothing: null) => unknown }>(
    cleanup: AsyncDisposableStack,
    program: ChildProgram,
  ): ChildLink<P> {
    const link = new ChildLink<P>(program.name, forkChild(program), (text) => this.#screen.progress(text));
    cleanup.defer(() => {
      this.#stoppingSince ??= monotonicMs();
      return endChild(link, this.#stoppingSince + program.stopsWithinMs - monotonicMs());
    });
    return link;
  }
}

/** What was waited for, or undefined when the signal was aborted first. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: stopped, resolve: tell } = Promise.withResolvers<undefined>();
  const stop = (): void => tell(undefined);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const first = await Promise.race([work, stopped]);
    // A start that was broken off fails, and nobody waits for it any more.
    if (first === undefined) work.catch(() => undefined);
    return first;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The market clears one zone. Throws `GTX-CMP-005` for boards of several. */
function zoneOf(files: readonly BoardFile[]): string {
  const [first] = files;
  const other = files.find((file) => file.zone !== first?.zone);
  if (first !== undefined && other === undefined) return first.zone;
  throw new GridError('GTX-CMP-005', `${other?.path}: zone ${other?.zone} beside zone ${first?.zone}`, {
    kind: 'input',
    hint: 'A campus has one market zone: give all its boards the same.',
  });
}

/** A campus is called after the folder of its board files: `boards/stanford` is Stanford. */
const siteOf = (folder: string, files: readonly BoardFile[]): { name: string; timeZone: string } => {
  const name = basename(folder);
  return { name: name.charAt(0).toUpperCase() + name.slice(1), timeZone: files[0]?.location.timeZone ?? 'UTC' };
};

const participantOf = (link: ChildLink<HeadEndProtocol> | ChildLink<FleetProtocol>) => ({
  name: link.name,
  runUntil: (bound: Moment): Promise<Moment> => (link as ChildLink<FleetProtocol>).call('runUntil', bound),
});

const newestOf = (a: UnixSeconds | undefined, b: UnixSeconds | undefined): UnixSeconds | undefined =>
  a === undefined ? b : b === undefined ? a : UnixSeconds(Math.max(a, b));
