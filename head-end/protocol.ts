import type { Moment } from '#hal/emulated/virtual-clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { FlashEntry } from './enrolment/flash-list.ts';

/** What the leader of a campus asks of the head-end's process. */
export interface HeadEndProtocol {
  /** Opens the database and the ledger and listens; answers its ports and the newest time it has stored. */
  readonly open: (config: HeadEndConfig) => HeadEndOpened;
  /** Starts the market at a virtual time; answers the moment of the first timer. */
  readonly begin: (begin: { readonly start: UnixSeconds }) => Moment;
  readonly runUntil: (bound: Moment) => Moment;
  readonly status: (nothing: null) => HeadEndStatus;
  readonly report: (of: ReportOf) => HeadEndReport;
  readonly stop: (nothing: null) => void;
}

/** What is to be reported: the boards say what they sent, the head-end answers what it holds of it. */
export interface ReportOf {
  /** Time periods that end later were posted in this run. */
  readonly since: UnixSeconds;
  /** The end of the newest time period that a board knows to be stored, by meterId. */
  readonly through: Readonly<Record<string, UnixSeconds>>;
}

/** A device as the registry knows it from provisioning. */
export interface DeviceRecord {
  readonly meterId: string;
  readonly name: string;
  readonly building: string;
  readonly zone: string;
  readonly ratedW: number;
  readonly storageWh: number;
  /** 40 hex digits; a board that is not enrolled has none yet. */
  readonly lfdi?: string;
}

export interface PcrRule {
  /** 0 to 23. */
  readonly index: number;
  /** 64 hex digits. */
  readonly digest: string;
}

/** Where boards enrol by what their TPMs attest. */
export interface EnrolmentConfig {
  readonly port: number;
  /** The address that it listens on; loopback unless told. */
  readonly host?: string;
  /** PEM of the TPM makers that are trusted. */
  readonly makers: string;
  /** What registers of the boards' TPMs (SHA-256 bank) must hold, where it matters with which software they start. */
  readonly pcrs?: readonly PcrRule[];
  /** Boards that are put on the list of flashed boards. */
  readonly boards: readonly FlashEntry[];
}

/** The authority that issues the certificates of the boards, where it lies at the head-end. */
export interface AuthorityConfig {
  readonly folder: string;
  /** What opens its keys where they are encrypted. */
  readonly passphrase?: string;
  /** The TPM that has its issuing key, as a person names it; it is in a file unless told. */
  readonly tpm?: string;
  /** Revocation lists and OCSP are served there, 0 for any free port; they are not served unless told. */
  readonly revocationPort?: number;
  /** The address that they are served on; loopback unless told. */
  readonly revocationHost?: string;
  /** No boards are enrolled unless told. */
  readonly enrolment?: EnrolmentConfig;
}

export interface HeadEndConfig {
  readonly dataFolder: string;
  /** A server of the user's own instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  /** The address that the IEEE 2030.5 server listens on; loopback unless told. */
  readonly sepHost?: string;
  readonly sepPort: number;
  readonly httpPort: number;
  /** How REST and the page are listened on; plain HTTP on 127.0.0.1 unless told. */
  readonly rest?: RestConfig;
  readonly identityFolder: string;
  /** Revocation is not checked, and nothing renewed, without it. */
  readonly authority?: AuthorityConfig;
  /** Devices whose certificates say that their keys lie in files are refused; they are let in unless told. */
  readonly refuseSoftwareKeys?: boolean;
  readonly devices: readonly DeviceRecord[];
  /** The market zone that all devices belong to. */
  readonly zone: string;
  /** What the page is about. */
  readonly site: { readonly name: string; readonly timeZone: string };
  /** Virtual seconds a second, for the page. */
  readonly speed: number | 'max';
  readonly logLevel: string;
  /** Announces the IEEE 2030.5 server by DNS-SD; it is not announced unless told. */
  readonly announce?: AnnounceConfig;
}

export interface RestConfig {
  /** The address; beyond loopback it takes TLS. */
  readonly host: string;
  /** PEM of the certificate and those above it, and of its key. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface AnnounceConfig {
  /** `local`: on the link. `site`: over the whole site, by IPv6. */
  readonly scopes: readonly ('local' | 'site')[];
  /** Where clients reach this host. */
  readonly address: string;
  /** Address of the interface to announce on; all where it is not given. */
  readonly interface?: string;
  /** Another UDP port than mDNS's 5353. */
  readonly port?: number;
}

export interface HeadEndOpened {
  readonly sepPort: number;
  readonly httpPort: number;
  /** How the page is opened: scheme, host and port. */
  readonly origin: string;
  /** A one-time link, while no administrator can sign in; it is to be shown to a person, and kept nowhere. */
  readonly firstAdministrator: string | undefined;
  /** Of revocation lists and OCSP, where they are served. */
  readonly revocationPort: number | undefined;
  /** Of the enrolment service, where it was asked for. */
  readonly enrolmentPort: number | undefined;
  readonly newest: UnixSeconds | undefined;
}

export interface HeadEndStatus {
  readonly time: UnixSeconds;
  readonly metersOnline: number;
  readonly generationW: number;
  readonly loadW: number;
  readonly gridW: number;
  readonly storageW: number;
  readonly readingsStored: number;
  readonly lastWindow:
    | { readonly window: UnixSeconds; readonly volumeWh: number; readonly priceMicroPerKWh: number | null }
    | undefined;
  readonly windowsSettled: number;
}

export interface HeadEndReport {
  readonly readings: {
    readonly stored: number;
    readonly duplicates: number;
    /** Readings of all times up to `through`, by meterId. */
    readonly storedThrough: Readonly<Record<string, number>>;
  };
  /** Differences of the cumulative registers, as the database holds them, over the run; Wh. */
  readonly energyWh: {
    readonly generation: number;
    readonly consumption: number;
    readonly gridImport: number;
    readonly gridExport: number;
    readonly storageCharge: number;
    readonly storageDischarge: number;
    readonly losses: number;
  };
  readonly windows: number;
  readonly market: {
    readonly trades: number;
    readonly pairsUsed: number;
    readonly volumeWh: number;
    readonly meanPriceMicroPerKWh: number | null;
    readonly matchSuccess: number | null;
  };
  readonly settlement: {
    readonly transactions: number;
    readonly confirmed: number;
    readonly failed: number;
    readonly tradesSettled: number;
    readonly moneyResidueMicro: number;
    readonly ledger: 'embedded';
  };
  readonly rssBytes: number;
}
