import type { Instruction } from '../procedure.ts';
import { derContentFaults, derNumber, endDeviceFaults, statusFaults } from './der-checks.ts';
import { responseSets } from './utility/documents.ts';
import type { Variables } from '../expressions.ts';
import { Given } from './given.ts';
import type { Notifier } from './utility/notifier.ts';
import { isReadingCheck, readingFaults } from './reading-checks.ts';
import { matches, pollFaults, type RequestLog } from './requests.ts';
import type { Utility } from './utility/utility.ts';

/** What the checks of a run are held against. */
export interface Evidence {
  readonly utility: Utility;
  readonly requests: RequestLog;
  readonly notifier: Notifier;
  /** mRIDs by the tags of the procedure. */
  readonly tags: ReadonlyMap<string, string>;
  /** The steps that are not done. */
  readonly openSteps: () => readonly string[];
  readonly startedAt: () => number;
}

const aest = 36_000;
const day = 86_400;
const hour = 3_600;

/** The variables of a procedure; what the client has not told yet throws. */
export function variablesOf({ utility }: Pick<Evidence, 'utility'>): Variables {
  const told = (name: string): number | undefined => {
    const path = name.startsWith('rtg') ? 'der/1/dercap' : 'der/1/derg';
    const node = utility.active?.put.get(path)?.node;
    return node && derNumber(node, name);
  };
  const required = (name: string): number => {
    const value = told(name);
    if (value === undefined) throw new Error(`the client has not told ${name}`);
    return value;
  };
  return (name) => {
    const now = utility.now();
    if (name === 'now') return now;
    if (name === 'now_day') return Math.floor((now + aest) / day) * day - aest;
    if (name === 'now_hour') return Math.floor(now / hour) * hour;
    if (name === 'maxImportW') return told('setMaxChargeRateW') ?? required('setMaxW');
    if (name === 'maxExportW') return told('setMaxDischargeRateW') ?? required('setMaxW');
    if (name.startsWith('randuri_')) return `/at-random-${name.slice('randuri_'.length)}/resource`;
    return required(name);
  };
}

/** The paths of what a resource-requests check names. */
const resourcePaths: Readonly<Record<string, RegExp>> = {
  TariffProfileList: /\/tp$/,
  TariffProfile: /\/tp\/\d+$/,
  RateComponentList: /\/rc$/,
  RateComponent: /\/rc\/\d+$/,
  TimeTariffIntervalList: /\/tti$/,
  CombinedTimeTariffIntervalList: /\/ctti$/,
  TimeTariffInterval: /\/tti\/\d+$/,
};

type Check = (evidence: Evidence, given: Given) => string[];

const checks: Readonly<Record<string, Check>> = {
  'all-steps-complete': ({ openSteps }, given) => {
    const ignored = given.texts('ignored_steps');
    const open = openSteps().filter((step) => !ignored.includes(step));
    return open.length === 0 ? [] : [`steps not done: ${open.join(', ')}`];
  },
  'all-notifications-transmitted': ({ notifier }) => {
    if (notifier.sent.length === 0) return ['no notification was sent: there is no subscription to what was changed'];
    const refused = notifier.sent.find(({ status }) => status < 200 || status > 299);
    return refused === undefined
      ? []
      : [`a notification to ${refused.subscription.notificationUri}: ${refused.status}`];
  },
  'end-device-contents': ({ utility }, given) => endDeviceFaults(utility.active, given),
  'end-device-count': ({ utility }, given) => {
    const count = utility.devices.filter(({ id, removed }) => id !== 0 && !removed).length;
    return between(count, given, 'EndDevices');
  },
  'der-capability-contents': ({ utility }, given) =>
    derContentFaults(utility.active?.put.get('der/1/dercap')?.node, given, 'DERCapability'),
  'der-settings-contents': ({ utility }, given) =>
    derContentFaults(utility.active?.put.get('der/1/derg')?.node, given, 'DERSettings'),
  'der-status-contents': ({ utility }, given) => statusFaults(utility.active?.put.get('der/1/ders')?.node, given),
  'subscription-contents': ({ utility }, given) => {
    const wanted = given.required(given.text('subscribed_resource'), 'subscribed_resource');
    const has = utility.subscriptions.some(({ resource }) => resource === wanted);
    return has ? [] : [`no subscription to ${wanted}`];
  },
  'response-contents': (evidence, given) => {
    const mrids = evidence.utility.programs.flatMap(({ controls }) => controls.map(({ mrid }) => mrid));
    return responseFaults(evidence, given, responseSets.controls, mrids);
  },
  'price-response-contents': (evidence, given) => {
    const mrids = evidence.utility.tariffs.flatMap(({ intervals }) => intervals.map(({ mrid }) => mrid));
    return responseFaults(evidence, given, responseSets.prices, mrids);
  },
  'resource-requests': ({ requests, startedAt }, given) => {
    const paths = given.texts('resources').map((name) => {
      const path = resourcePaths[name];
      if (path === undefined) throw new Error(`no path is known for the resource ${name}`);
      return path;
    });
    const count = requests.all.filter(
      ({ at, method, path }) => at >= startedAt() && method === 'GET' && paths.some((one) => one.test(path)),
    ).length;
    return between(count, given, `requests of ${given.texts('resources').join(', ')}`);
  },
  'all-polls-at-correct-time': ({ requests, startedAt }, given) => {
    const interval = given.required(given.number('poll_interval_seconds'), 'poll_interval_seconds');
    const wanted = requests.all.filter(
      ({ at, method, path, isFirstPage }) =>
        at >= startedAt() &&
        isFirstPage &&
        method === given.text('request_type_str') &&
        given.texts('endpoints').some((endpoint) => matches(path, endpoint)),
    );
    const missing = given
      .texts('endpoints')
      .filter((endpoint) => !wanted.some(({ path }) => matches(path, endpoint)))
      .map((endpoint) => `${endpoint} was never asked for`);
    const faults = [...new Set(wanted.map(({ path }) => path))].flatMap((path) => {
      const times = wanted.filter((request) => request.path === path).map(({ at }) => at);
      return pollFaults(times, interval, startedAt()).map((fault) => `${path}: ${fault}`);
    });
    return [...missing, ...faults];
  },
};

const between = (count: number, given: Given, what: string): string[] => {
  const [least, most] = [given.number('minimum_count') ?? 0, given.number('maximum_count') ?? Infinity];
  return count >= least && count <= most ? [] : [`${count} ${what}, ${least} to ${most} are asked for`];
};

function responseFaults(evidence: Evidence, given: Given, set: string, mrids: readonly string[]): string[] {
  const status = given.number('status');
  const tag = given.text('subject_tag');
  const subject = tag === undefined ? undefined : evidence.tags.get(tag);
  if (tag !== undefined && subject === undefined) return [`nothing has the tag ${tag}`];
  const all = evidence.utility.responses.filter(
    (response) => response.set === set && (subject === undefined || response.subject === subject),
  );
  const hasStatus = (response: { status: number }): boolean => status === undefined || response.status === status;
  const what = `response ${status ?? ''}${tag === undefined ? '' : ` to ${tag}`}`;
  if (given.flag('all') === true) {
    const without = mrids.filter((mrid) => !all.some((response) => response.subject === mrid && hasStatus(response)));
    return without.length === 0 ? [] : [`${without.length} of ${mrids.length} have no ${what}`];
  }
  const considered = given.flag('latest') === true ? all.slice(-1) : all;
  const exists = considered.some(hasStatus);
  if (given.flag('exists') === false) return exists ? [`there is a ${what}`] : [];
  return exists ? [] : [`no ${what}; there are ${all.map((response) => response.status).join(', ') || 'none'}`];
}

/** What is wrong by one check of a procedure; nothing where it holds. */
export function faultsOf(check: Instruction, evidence: Evidence): string[] {
  try {
    const given = new Given(check.parameters, variablesOf(evidence));
    if (isReadingCheck(check.type))
      return readingFaults(check.type, evidence.utility, given).map((f) => `${check.type}: ${f}`);
    const found = checks[check.type];
    if (found === undefined) return [`the check ${check.type} is not known`];
    return found(evidence, given).map((fault) => `${check.type}: ${fault}`);
  } catch (error) {
    // A value that the client has not told yet: the check does not hold yet.
    return [`${check.type}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
