import { createHistogram } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { earliest, type Moment } from '#hal/emulated/virtual-clock.ts';
import { ThreadLink } from '#hal/thread-link.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Fleet } from './fleet.ts';
import { openLanes } from './lane-stores.ts';
import type { FleetConfig, FleetReport, LaneProtocol, LaneReport } from './protocol.ts';

/** Boards that run side by side with those of other lanes, each lane on a thread of its own. */
type Lane = AsyncDisposable & {
  readonly [M in keyof Omit<LaneProtocol, 'stop'>]: (
    argument: Parameters<LaneProtocol[M]>[0],
  ) => Promise<ReturnType<LaneProtocol[M]>>;
};

function laneOnThread(name: string): Lane {
  const link = new ThreadLink<LaneProtocol>(name, new Worker(new URL('thread.ts', import.meta.url)));
  return {
    open: (config) => link.call('open', config),
    enrol: (service) => link.call('enrol', service),
    begin: (begin) => link.call('begin', begin),
    runUntil: (bound) => link.call('runUntil', bound),
    report: (nothing) => link.call('report', nothing),
    async [Symbol.asyncDispose]() {
      await using _thread = link;
      await link.call('stop', null);
    },
  };
}

/** The boards of one process, on several threads: boards meet at the head-end only, so that none waits for another. */
export class Lanes implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  #lanes: readonly Lane[] = [];

  /** As `Fleet.open`, for the boards of all lanes. */
  async open(config: FleetConfig): Promise<{ newest: UnixSeconds | undefined }> {
    const stores = openLanes(config.dataFolder, config.boards);
    this.#lanes = stores.map((_, lane) =>
      this.#resources.use(lane === 0 ? new Fleet() : laneOnThread(`lane ${lane + 1} of the boards`)),
    );
    const opened = await Promise.all(
      stores.map(({ folder, boards }, lane) => this.#lanes[lane]!.open({ ...config, boards, dataFolder: folder })),
    );
    const times = opened.map(({ newest }) => newest ?? 0);
    const newest = Math.max(0, ...times);
    return { newest: newest === 0 ? undefined : UnixSeconds(newest) };
  }

  async enrol(service: { readonly url: string }): Promise<number> {
    const enrolled = await Promise.all(this.#lanes.map((lane) => lane.enrol(service)));
    return sum(enrolled);
  }

  async begin(begin: { readonly start: UnixSeconds; readonly serverUrl: string }): Promise<Moment> {
    return earliest(await Promise.all(this.#lanes.map((lane) => lane.begin(begin))));
  }

  async runUntil(bound: Moment): Promise<Moment> {
    return earliest(await Promise.all(this.#lanes.map((lane) => lane.runUntil(bound))));
  }

  async report(): Promise<FleetReport> {
    return joined(await Promise.all(this.#lanes.map((lane) => lane.report(null))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function joined(reports: readonly LaneReport[]): FleetReport {
  const latency = createHistogram();
  // One that is empty would bring its bounds with it.
  for (const report of reports) if (report.latencyUs.count > 0) latency.add(report.latencyUs);
  const milliseconds = (percentile: number): number => Math.round(latency.percentile(percentile)) / 1000;
  const tls = reports.map((report) => report.tls);
  return {
    boards: reports.flatMap((report) => report.boards),
    earliest: UnixSeconds(Math.min(...reports.map((report) => report.earliest))),
    acknowledgedThrough: Object.assign({}, ...reports.map((report) => report.acknowledgedThrough)),
    tls: {
      cipher: distinct(tls.flatMap(({ ciphers }) => ciphers)),
      version: distinct(tls.flatMap(({ versions }) => versions)),
      keys: { tpm: sum(tls.map(({ keys }) => keys.tpm)), software: sum(tls.map(({ keys }) => keys.software)) },
      // The provider counts for the whole process, and each lane tells what it counts.
      tpmSignatures: Math.max(...tls.map(({ tpmSignatures }) => tpmSignatures)),
      handshakes: sum(tls.map(({ handshakes }) => handshakes)),
    },
    latencyMs: { postP50: milliseconds(50), postP99: milliseconds(99) },
    rssBytes: process.memoryUsage.rss(),
  };
}

/** One value when all are alike; every one of them when they are not. */
const distinct = (values: readonly string[]): string => [...new Set(values)].join(' ');
