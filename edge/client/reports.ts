import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type {
  ConnectionPointType,
  DERAvailability,
  DERCapability,
  DERSettings,
  DERStatus,
  DeviceInformation,
  DeviceStatus,
  Link,
  PowerStatus,
  RootName,
} from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';
import type { UtilityView } from './utility-view.ts';

/** What a device tells about itself, as the fields of 2030.5 documents; what is absent is not told. */
export interface DeviceReports {
  readonly DERCapability?: DERCapability;
  readonly DERSettings?: DERSettings;
  readonly DERStatus?: DERStatus;
  readonly DERAvailability?: DERAvailability;
  readonly DeviceInformation?: DeviceInformation;
  readonly DeviceStatus?: DeviceStatus;
  readonly PowerStatus?: PowerStatus;
  readonly ConnectionPoint?: ConnectionPointType;
}
type ReportName = keyof DeviceReports & RootName;

interface ReportRule {
  readonly name: ReportName;
  /** The member that tells where it goes. */
  readonly link: `${ReportName}Link`;
  readonly of: 'EndDevice' | 'DER';
  /** Seconds after which it is told again unchanged. */
  readonly period: (view: UtilityView) => number;
  /** Seconds between two changes that are told. */
  readonly gap: number;
}

/** What is told where the server has no postRate, seconds. */
const defaultPostRate = 300;
const daily = (): number => 86_400;
const posted = ({ endDevice }: UtilityView): number => endDevice.postRate ?? defaultPostRate;
/** A server that wants its DERs to be polled wants to hear of them as often (SA TS 5573, CSIP v2.1 §6.1.5). */
const polled = ({ derPollRate = daily() }: UtilityView): number => derPollRate;

/** What is PUT where: what a device is, then what it does, then how it is set. */
const rules: readonly ReportRule[] = [
  { name: 'ConnectionPoint', link: 'ConnectionPointLink', of: 'EndDevice', period: daily, gap: 5 },
  { name: 'DeviceInformation', link: 'DeviceInformationLink', of: 'EndDevice', period: daily, gap: 5 },
  { name: 'DERCapability', link: 'DERCapabilityLink', of: 'DER', period: daily, gap: 5 },
  {
    name: 'DERStatus',
    link: 'DERStatusLink',
    of: 'DER',
    period: (view) => Math.min(posted(view), polled(view)),
    gap: 1,
  },
  { name: 'DERSettings', link: 'DERSettingsLink', of: 'DER', period: polled, gap: 5 },
  { name: 'DERAvailability', link: 'DERAvailabilityLink', of: 'DER', period: posted, gap: 60 },
  { name: 'DeviceStatus', link: 'DeviceStatusLink', of: 'EndDevice', period: posted, gap: 60 },
  { name: 'PowerStatus', link: 'PowerStatusLink', of: 'EndDevice', period: posted, gap: 60 },
];

interface Told {
  readonly href: string;
  readonly document: object;
  readonly at: UnixSeconds;
}

/** Changes within this share of a value are not told before the period ends. */
const deadband = 0.05;
/** When something was measured is no change of it. */
const timeMembers: readonly string[] = ['readingTime', 'updatedTime', 'changedTime', 'dateTime'];

/** Whether two documents differ by more than the deadband; codes and flags differ whenever they are not the same. */
export function isChanged(before: unknown, now: unknown): boolean {
  if (before === now) return false;
  if (typeof before === 'number' && typeof now === 'number') {
    return Math.abs(before - now) > deadband * Math.max(Math.abs(before), Math.abs(now));
  }
  if (before instanceof Uint8Array && now instanceof Uint8Array) return Buffer.compare(before, now) !== 0;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return before !== now;
  const a = before as Record<string, unknown>;
  const b = now as Record<string, unknown>;
  if (typeof a['multiplier'] === 'number' && typeof b['multiplier'] === 'number') {
    return isChanged(scaled(a), scaled(b));
  }
  for (const member of Object.keys(a)) if (isOther(member, a[member], b[member])) return true;
  for (const member of Object.keys(b)) if (!(member in a) && isOther(member, undefined, b[member])) return true;
  return false;
}

function isOther(member: string, before: unknown, now: unknown): boolean {
  if (timeMembers.includes(member)) return false;
  return member === 'stateOfChargeStatus' ? isChargeChanged(before, now) : isChanged(before, now);
}

/** Hundredths of a percent of the whole: the deadband is a share of that, not of what happens to be left. */
function isChargeChanged(before: unknown, now: unknown): boolean {
  const a = (before as DERStatus['stateOfChargeStatus'])?.value;
  const b = (now as DERStatus['stateOfChargeStatus'])?.value;
  return a === undefined || b === undefined ? a !== b : Math.abs(a - b) > deadband * 10_000;
}

const scaled = ({ multiplier, value }: Record<string, unknown>): number => Number(value) * 10 ** Number(multiplier);

/**
 * Keeps what a server knows of one device current: at the start, when it changes, and once a period
 * (IEEE 2030.5-2018 §10.10.4.4; CSIP v2.1 §6.1.5). A device has one DER, the first of its DERList.
 */
export class Reports {
  readonly #values = new Map<ReportName, { readonly document: object; isChanged: boolean }>();
  readonly #told = new Map<ReportName, Told>();

  /** New values; those that are absent stay as they are. */
  set(values: DeviceReports): void {
    for (const { name } of rules) {
      const document = values[name];
      if (document === undefined || document === this.#values.get(name)?.document) continue;
      this.#values.set(name, { document, isChanged: isChanged(this.#told.get(name)?.document, document) });
    }
  }

  /** When the next one is due; seconds, in the past for what was never told. */
  nextDue(view: UtilityView): number {
    let due = Number.POSITIVE_INFINITY;
    for (const rule of rules) {
      const href = this.#values.has(rule.name) ? hrefOf(rule, view) : undefined;
      if (href !== undefined) due = Math.min(due, this.#dueAt(rule, href, view));
    }
    return due;
  }

  /** PUTs what is due. Rejects with `GTX-SEP-001` when the server is not reached; a refusal waits for the next time. */
  async send(connection: Pick<Connection, 'put'>, view: UtilityView, now: UnixSeconds, log: Log): Promise<void> {
    for (const rule of rules) {
      const value = this.#values.get(rule.name);
      const href = hrefOf(rule, view);
      if (href === undefined || value === undefined || this.#dueAt(rule, href, view) > now) continue;
      try {
        await connection.put(href, rule.name, value.document as never);
      } catch (error) {
        if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
        log.warn({ href, reason: error.describe() }, 'the server does not take a report');
      }
      this.#told.set(rule.name, { href, document: value.document, at: now });
      const newest = this.#values.get(rule.name) ?? value;
      newest.isChanged = isChanged(value.document, newest.document);
    }
  }

  #dueAt({ name, period, gap }: ReportRule, href: string, view: UtilityView): number {
    const told = this.#told.get(name);
    if (told?.href !== href) return Number.NEGATIVE_INFINITY;
    return told.at + (this.#values.get(name)?.isChanged === true ? gap : Math.max(1, period(view)));
  }
}

function hrefOf({ link, of }: ReportRule, view: UtilityView): string | undefined {
  const resource = (of === 'DER' ? view.ders[0] : view.endDevice) as Readonly<Record<string, unknown>> | undefined;
  return (resource?.[link] as Link | undefined)?.href;
}
