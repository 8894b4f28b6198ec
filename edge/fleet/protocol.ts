import type { RecordableHistogram } from 'node:perf_hooks';
import type { Moment } from '#hal/emulated/virtual-clock.ts';
import type { UnixSeconds } from '#hal/units.ts';

/** What the leader of a campus asks of the boards' process. */
export interface FleetProtocol {
  /** Opens stores and starts twins; answers the newest time that they have seen. */
  readonly open: (config: FleetConfig) => { readonly newest: UnixSeconds | undefined };
  /** Enrols the boards that are not yet, where their keys are in TPMs; answers how many those were. */
  readonly enrol: (service: { readonly url: string }) => number;
  /** Starts the boards at a virtual time; answers the moment of the first timer. */
  readonly begin: (begin: { readonly start: UnixSeconds; readonly serverUrl: string }) => Moment;
  readonly runUntil: (bound: Moment) => Moment;
  readonly report: (nothing: null) => FleetReport;
  readonly stop: (nothing: null) => void;
}

export interface FleetConfig {
  readonly boards: readonly FleetBoard[];
  readonly dataFolder: string;
  /** A folder a board, named by its meter id: its key and certificate, or its certificates where `tpms` is given. */
  readonly identitiesFolder: string;
  /** Each board has an emulated TPM, and its keys are in it. */
  readonly tpms?: {
    /** A state folder a board, named by its meter id. */
    readonly folder: string;
    /** PEM of the root that the head-end comes from. */
    readonly ca: string;
  };
  /** The head-end proves at each handshake that its certificate is not revoked, and boards demand it. */
  readonly serverStaples?: boolean;
  /** What the sites replay; `buildings`: all of the campus, of which a lane has some. */
  readonly traces?: { readonly folder: string; readonly buildings: readonly string[] };
  readonly sampleSeconds: number;
  readonly seed: number;
  readonly logLevel: string;
}

/** A board and where its file is. */
export interface FleetBoard {
  readonly meterId: string;
  readonly path: string;
}

export interface BoardReport {
  readonly meterId: string;
  /** Readings since this process began. */
  readonly posted: number;
  readonly acknowledged: number;
  /** Readings since the outbox was made. */
  readonly acknowledgedEver: number;
  /** Postings that wait for the head-end. */
  readonly waiting: number;
}

export interface FleetReport {
  /** Time periods that end later than this were posted in this run: what an earlier one left waiting is among them. */
  readonly earliest: UnixSeconds;
  /** The end of the newest time period that is acknowledged, by meterId; nothing of a board that has none. */
  readonly acknowledgedThrough: Readonly<Record<string, UnixSeconds>>;
  readonly boards: readonly BoardReport[];
  readonly tls: {
    readonly cipher: string;
    readonly version: string;
    /** Boards that have connected, by where the key is that their TLS uses. */
    readonly keys: { readonly tpm: number; readonly software: number };
    /** Made by TPMs for TLS since this process began. */
    readonly tpmSignatures: number;
    /** Of all boards since this process began. */
    readonly handshakes: number;
  };
  readonly latencyMs: { readonly postP50: number; readonly postP99: number };
  readonly rssBytes: number;
}

/** What `Lanes` asks of the boards of one thread: as the leader asks of all. */
export type LaneProtocol = Omit<FleetProtocol, 'report'> & { readonly report: (nothing: null) => LaneReport };

/** A part of a FleetReport, as it can be joined with others. */
export type LaneReport = Pick<FleetReport, 'earliest' | 'acknowledgedThrough' | 'boards'> & {
  readonly tls: Omit<FleetReport['tls'], 'cipher' | 'version'> & {
    readonly ciphers: readonly string[];
    readonly versions: readonly string[];
  };
  /** Wall microseconds from a post to its acknowledgement. */
  readonly latencyUs: RecordableHistogram;
};
