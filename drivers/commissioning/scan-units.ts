import { GridError } from '#hal/errors.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { identifyMeter, type MeterCandidate } from './identify-meter.ts';
import { identifySunSpec, type SunSpecFinding } from './identify-sunspec.ts';

/** A unit that answers, and what it is as far as that can be told. */
export interface UnitFinding {
  readonly unit: number;
  readonly sunSpec: SunSpecFinding | undefined;
  /** The best first; empty for a SunSpec device and for one that nothing is known of. */
  readonly meters: readonly MeterCandidate[];
  /** More units that give the same serial number: the device answers to them too. */
  readonly alsoAnswersTo: readonly number[];
}

export interface ScanOptions {
  /** Asked in this order. */
  readonly units: readonly number[];
  /** A unit was asked; how many were, and how many are to be. */
  readonly onAsked?: (asked: number, all: number) => void;
  /** Rejects the scan with its reason. */
  readonly signal?: AbortSignal;
}

export interface ScanResult {
  readonly found: readonly UnitFinding[];
  /** Units from which something came that was no answer: a wrong rate, two units of one number, a bad line. */
  readonly damaged: readonly number[];
}

/** Some gateways answer to every number for the one device behind them: more are told of, but not looked at. */
const mostIdentified = 40;
/** A connection that is lost so often in a row does not want us. */
const mostLost = 5;

type Presence = 'answers' | 'silent' | 'damaged' | 'lost';

/** Gateways say so of a device that is not there. */
const gatewaySilences: ReadonlySet<string> = new Set(['GTX-MOD-110', 'GTX-MOD-111']);

/**
 * Asks each unit for its first registers; whatever it answers, a refusal too, says that it is there, and it is looked
 * at closer. Rejects with the error of a bus that is lost, and with the signal's reason.
 */
export async function scanUnits(transport: RegisterTransport, options: ScanOptions): Promise<ScanResult> {
  const { units, onAsked, signal } = options;
  await transport.start();
  const present: number[] = [];
  const damaged: number[] = [];
  let lost = 0;
  for (const [i, unit] of units.entries()) {
    signal?.throwIfAborted();
    const presence = await presenceOf(transport, unit, lost < mostLost);
    lost = presence === 'lost' ? lost + 1 : 0;
    if (presence === 'answers') present.push(unit);
    if (presence === 'damaged') damaged.push(unit);
    onAsked?.(i + 1, units.length);
  }
  const found: UnitFinding[] = [];
  for (const unit of present.slice(0, mostIdentified)) {
    signal?.throwIfAborted();
    found.push(await identify(transport, unit));
  }
  const unseen = present.slice(mostIdentified);
  return { found: merged(found, unseen), damaged };
}

/** What a unit is that is known to be there. */
export async function identify(transport: RegisterTransport, unit: number): Promise<UnitFinding> {
  const sunSpec = await identifySunSpec(transport, unit);
  const meters = sunSpec === undefined ? await identifyMeter(transport, unit) : [];
  return { unit, sunSpec, meters, alsoAnswersTo: [] };
}

async function presenceOf(transport: RegisterTransport, unit: number, mayBeLost: boolean): Promise<Presence> {
  try {
    await transport.readHolding(unit, 0, 2);
    return 'answers';
  } catch (error) {
    if (!(error instanceof GridError)) throw error;
    const { code } = error;
    if (gatewaySilences.has(code) || code === 'GTX-MOD-003') return 'silent';
    if (code.startsWith('GTX-MOD-1')) return 'answers';
    if (code === 'GTX-MOD-002' || code === 'GTX-MOD-007') return 'damaged';
    // Devices hang up on a unit that they are not.
    if (code === 'GTX-MOD-001' && mayBeLost) return 'lost';
    throw error;
  }
}

const serialOf = ({ sunSpec }: UnitFinding): string | undefined =>
  sunSpec === undefined || sunSpec.serial === ''
    ? undefined
    : [sunSpec.manufacturer, sunSpec.model, sunSpec.serial, ...sunSpec.models].join('\n');

/** One finding for each device. */
function merged(found: readonly UnitFinding[], unseen: readonly number[]): readonly UnitFinding[] {
  const devices: UnitFinding[] = [];
  for (const finding of found) {
    const serial = serialOf(finding);
    const same = devices.findIndex((each) => serial !== undefined && serialOf(each) === serial);
    const known = devices[same];
    if (known === undefined) devices.push(finding);
    else devices[same] = { ...known, alsoAnswersTo: [...known.alsoAnswersTo, finding.unit] };
  }
  const [last] = devices.slice(-1);
  if (last === undefined || unseen.length === 0) return devices;
  return [...devices.slice(0, -1), { ...last, alsoAnswersTo: [...last.alsoAnswersTo, ...unseen] }];
}
