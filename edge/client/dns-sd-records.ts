import type { Answer } from 'dns-packet';

/** A 2030.5 server that was found by DNS-SD. */
export interface FoundServer {
  /** The service instance: `gridtokenx._smartenergy._tcp.local`. */
  readonly name: string;
  /** Of its DeviceCapability; https where it is secured. */
  readonly url: string;
  readonly isSecured: boolean;
  /** The relative path that the subtype was asked for: of its EndDeviceList, say. */
  readonly path: string | undefined;
  /** `-S1`, `+S1`; `undefined` where it does not say. */
  readonly level: string | undefined;
}

/** The schema level that this client speaks, with or without extensions (IEEE 2030.5-2018 §7.4, TXT key level). */
const level = /^[-+]?S1$/;
const httpsPort = 443;

interface Instance {
  readonly name: string;
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * The servers that a set of DNS records tells of (IEEE 2030.5-2018 §7): secured ones first, then by SRV priority,
 * weight and name, so that the same answers in any order give the same choice. Those of another version of the TXT
 * record, or without a DeviceCapability that this client could read, are left out.
 */
export function serversOf(records: readonly Answer[]): readonly FoundServer[] {
  const found = instancesOf(records).flatMap((instance): (FoundServer & Instance)[] => {
    const texts = textsOf(records, instance.name);
    const dcap = texts.get('dcap');
    if ((texts.get('txtvers') ?? '1') !== '1' || dcap === undefined) return [];
    const told = texts.get('level');
    if (told !== undefined && !level.test(told)) return [];
    const https = texts.get('https');
    const isSecured = https !== undefined;
    const port = isSecured ? portOf(https) : instance.port;
    const url = URL.parse(dcap, `${isSecured ? 'https' : 'http'}://${addressOf(records, instance.target)}:${port}`);
    if (url === null || port === undefined) return [];
    return [{ ...instance, url: url.href, isSecured, path: texts.get('path'), level: told }];
  });
  return found
    .toSorted(
      (a, b) =>
        Number(b.isSecured) - Number(a.isSecured) ||
        a.priority - b.priority ||
        b.weight - a.weight ||
        (a.name < b.name ? -1 : 1),
    )
    .map(({ name, url, isSecured, path, level: told }) => ({ name, url, isSecured, path, level: told }));
}

/** Questions that are left open: what a service instance's place, texts and address are. */
export function openQuestions(
  records: readonly Answer[],
): { readonly name: string; readonly type: 'SRV' | 'TXT' | 'A' | 'AAAA' }[] {
  const has = (name: string, types: readonly string[]): boolean =>
    records.some((record) => isSameName(record.name, name) && types.includes(record.type));
  const names = new Set(records.flatMap((record) => (record.type === 'PTR' ? [record.data] : [])));
  return [...names].flatMap((name) => [
    ...(has(name, ['SRV']) ? [] : [{ name, type: 'SRV' } as const]),
    ...(has(name, ['TXT']) ? [] : [{ name, type: 'TXT' } as const]),
    ...instancesOf(records)
      .filter((instance) => isSameName(instance.name, name) && !has(instance.target, ['A', 'AAAA']))
      .flatMap(({ target }) => [{ name: target, type: 'A' } as const, { name: target, type: 'AAAA' } as const]),
  ]);
}

function instancesOf(records: readonly Answer[]): Instance[] {
  const instances = new Map<string, Instance>();
  for (const record of records) {
    if (record.type !== 'SRV') continue;
    const { target, port, priority = 0, weight = 0 } = record.data;
    instances.set(record.name.toLowerCase(), { name: record.name, target, port, priority, weight });
  }
  return [...instances.values()];
}

/** Keys are told apart without regard to case (RFC 6763 §6.4); the first of a key counts. */
function textsOf(records: readonly Answer[], name: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const record of records) {
    if (record.type !== 'TXT' || !isSameName(record.name, name)) continue;
    for (const each of [record.data].flat()) {
      const [key = '', ...value] = Buffer.from(each).toString().split('=');
      if (!texts.has(key.toLowerCase())) texts.set(key.toLowerCase(), value.join('='));
    }
  }
  return texts;
}

/** `https` alone means the usual port. */
function portOf(https: string): number | undefined {
  if (https === '') return httpsPort;
  const port = Number(https);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** An address that needs no interface to be told, else the name; of several the least, so that the choice is stable. */
function addressOf(records: readonly Answer[], target: string): string {
  const addresses = records.flatMap((record) => {
    if (!isSameName(record.name, target)) return [];
    if (record.type === 'A') return [record.data];
    return record.type === 'AAAA' && !/^fe[89ab]/i.test(record.data) ? [`[${record.data}]`] : [];
  });
  return addresses.toSorted()[0] ?? target;
}

const isSameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
