import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { deadline } from '#hal/wall.ts';

/** One record of a DNS message, RFC 1035 §4.1.3. */
export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  /** The name that a PTR or SRV record leads to. */
  readonly target?: string;
  /** Of an SRV record. */
  readonly port?: number;
  /** Of a TXT record, by key. */
  readonly texts?: Readonly<Record<string, string>>;
}

export const DnsType = { PTR: 12, TXT: 16, SRV: 33 } as const;
const headerLength = 12;
const questionClass = 1;

/** A query for records of a name; the answer may come to the one who asks alone (RFC 6762 §5.4). */
export function queryOf(name: string, type: number): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)]);
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(1, 4);
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(type, 1);
  tail.writeUInt16BE(0x8000 | questionClass, 3);
  return Buffer.concat([header, ...labels, tail]);
}

/** A name at an offset, and where it ends; pointers go backwards only (RFC 1035 §4.1.4). */
function nameAt(message: Buffer, offset: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = offset;
  let end: number | undefined;
  for (;;) {
    const length = message.readUInt8(at);
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if ((length & 0xc0) === 0xc0) {
      const to = message.readUInt16BE(at) & 0x3fff;
      if (to >= at) throw new RangeError('a DNS name points forward');
      end ??= at + 2;
      at = to;
    } else {
      labels.push(message.toString('utf8', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
}

function textsOf(data: Buffer): Record<string, string> {
  const texts: Record<string, string> = {};
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt8(at);
    const [key = '', ...value] = data.toString('utf8', at + 1, at + 1 + length).split('=');
    if (key !== '') texts[key.toLowerCase()] = value.join('=');
    at += 1 + length;
  }
  return texts;
}

/** The records of an answer, of all its sections. Throws a RangeError where it is cut off. */
export function recordsOf(message: Buffer): DnsRecord[] {
  const questions = message.readUInt16BE(4);
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  let at = headerLength;
  for (let n = 0; n < questions; n++) at = nameAt(message, at).end + 4;
  const records: DnsRecord[] = [];
  for (let n = 0; n < count; n++) {
    const { name, end } = nameAt(message, at);
    const type = message.readUInt16BE(end);
    const start = end + 10;
    const length = message.readUInt16BE(end + 8);
    const record = { name, type };
    if (type === DnsType.PTR) records.push({ ...record, target: nameAt(message, start).name });
    else if (type === DnsType.SRV) {
      records.push({ ...record, port: message.readUInt16BE(start + 4), target: nameAt(message, start + 6).name });
    } else if (type === DnsType.TXT)
      records.push({ ...record, texts: textsOf(message.subarray(start, start + length)) });
    else records.push(record);
    at = start + length;
  }
  return records;
}

export interface MulticastGroup {
  readonly interface: string;
  readonly address: string;
  readonly port: number;
}

/** Asks a multicast group and gathers what is answered until `isEnough`, or for so many milliseconds. */
export async function askGroup(
  group: MulticastGroup,
  queries: readonly Buffer[],
  isEnough: (records: readonly DnsRecord[]) => boolean,
  withinMs: number,
): Promise<readonly DnsRecord[]> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const over = Promise.withResolvers<void>();
  const records: DnsRecord[] = [];
  socket.on('error', over.reject);
  socket.on('message', (message) => {
    const isAnswer = (message.readUInt16BE(2) & 0x8000) !== 0;
    if (isAnswer) records.push(...recordsOf(message));
    if (isEnough(records)) over.resolve();
  });
  using _limit = deadline(withinMs, () => over.resolve());
  try {
    socket.bind(group.port, '0.0.0.0');
    await once(socket, 'listening');
    socket.setMulticastInterface(group.interface);
    socket.addMembership(group.address, group.interface);
    for (const query of queries) socket.send(query, group.port, group.address);
    await over.promise;
    return records;
  } finally {
    socket.close();
  }
}
