import type { Answer } from 'dns-packet';
import { isIPv6 } from 'node:net';
import { formatLfdi, type Lfdi } from '#ieee2030_5/identity.ts';

/** The server as it is announced. */
export interface AnnouncedServer {
  /** Its own: the first digits make its name unlike any other on the link. */
  readonly lfdi: Lfdi;
  /** Where clients reach it. */
  readonly address: string;
  readonly port: number;
  /** Path of its DeviceCapability. */
  readonly dcap: string;
  /**
   * Paths of its function sets by subtype: `edev`, `derp`, … (IEEE 2030.5-2018 §7.5, Table 17), and `edev-` with the
   * twelve digits of an SFDI for the EndDevice of a device.
   */
  readonly subtypes: Readonly<Record<string, string>>;
}

/** The 2018 edition, without extensions that a client would have to know (§5.7). */
const level = '-S1';
/** Seconds; RFC 6762 §10: names of hosts 120, others 75 minutes. */
const hostTtl = 120;
const otherTtl = 4_500;

/**
 * The DNS-SD records of a server in a domain (IEEE 2030.5-2018 §7, RFC 6763): one service instance, and one more for
 * each function set, whose TXT record has the path of that function set.
 */
export function serviceRecords(server: AnnouncedServer, domain: 'local' | 'site'): readonly Answer[] {
  const { lfdi, address, port, dcap, subtypes } = server;
  const name = `gridtokenx-${formatLfdi(lfdi).slice(0, 8).toLowerCase()}`;
  const service = `_smartenergy._tcp.${domain}`;
  const target = `${name}.${domain}`;
  const instance = (pointer: string, label: string, path?: string): Answer[] => {
    const full = `${label}.${service}`;
    const texts = ['txtvers=1', `dcap=${dcap}`, ...(path === undefined ? [] : [`path=${path}`])];
    return [
      { name: pointer, type: 'PTR', ttl: otherTtl, data: full },
      { name: full, type: 'SRV', ttl: hostTtl, data: { target, port, priority: 0, weight: 0 } },
      { name: full, type: 'TXT', ttl: otherTtl, data: [...texts, `https=${port}`, `level=${level}`] },
    ];
  };
  return [
    ...instance(service, name),
    ...Object.entries(subtypes).flatMap(([subtype, path]) =>
      instance(`${subtype}._sub.${service}`, `${name}-${subtype}`, path),
    ),
    { name: target, type: isIPv6(address) ? 'AAAA' : 'A', ttl: hostTtl, data: address },
  ];
}

interface Question {
  readonly name: string;
  readonly type: string;
}

/** What answers some questions, and what those who ask will ask for next (RFC 6763 §12). */
export function answersTo(
  questions: readonly Question[],
  records: readonly Answer[],
): { readonly answers: readonly Answer[]; readonly additionals: readonly Answer[] } {
  const answers = records.filter((record) => questions.some((question) => isAsked(record, question)));
  const instances = new Set(answers.flatMap((record) => (record.type === 'PTR' ? [record.data.toLowerCase()] : [])));
  const places = records.filter(({ name, type }) => type !== 'PTR' && instances.has(name.toLowerCase()));
  const targets = new Set(
    [...answers, ...places].flatMap((record) => (record.type === 'SRV' ? [record.data.target] : [])),
  );
  const hosts = records.filter(({ name }) => targets.has(name));
  return { answers, additionals: [...places, ...hosts].filter((record) => !answers.includes(record)) };
}

/** The standard writes subtypes without an underscore (§7.5), DNS-SD's custom has one (RFC 6763 §7.1): both are met. */
const plain = (name: string): string => name.toLowerCase().replace(/^_(?=[^.]+\._sub\.)/, '');

const isAsked = (record: Answer, { name, type }: Question): boolean =>
  record.name.toLowerCase() === plain(name) && (type === record.type || type === 'ANY');
