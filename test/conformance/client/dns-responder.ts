import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** DNS record types (RFC 1035, RFC 2782). */
const types = { a: 1, ptr: 12, txt: 16, srv: 33 } as const;
/** mDNS answers (RFC 6762 §18): a response, authoritative. */
const responseFlags = 0x8400;
const internet = 1;
const lifeSeconds = 120;
const group = '224.0.0.251';

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const labels = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly data: Buffer;
}

const encode = ({ name, type, data }: DnsRecord): Buffer =>
  Buffer.concat([labels(name), u16(type), u16(internet), u16(0), u16(lifeSeconds), u16(data.length), data]);

/** The questions of a packet: names of labels, without compression, as questions have them. */
function questionsOf(packet: Buffer): { readonly name: string; readonly type: number }[] {
  const questions: { name: string; type: number }[] = [];
  let at = 12;
  for (let left = packet.readUInt16BE(4); left > 0; left--) {
    const parts: string[] = [];
    for (let length = packet.readUInt8(at); length > 0 && length < 64; length = packet.readUInt8(at)) {
      parts.push(packet.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    questions.push({ name: parts.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1) });
    at += 5;
  }
  return questions;
}

/** What a 2030.5 server says of itself (IEEE 2030.5-2018 §7). */
export interface AnnouncedServer {
  readonly domain: 'local' | 'site';
  readonly port: number;
  /** The path of its DeviceCapability. */
  readonly dcap: string;
}

/** Answers the questions of DNS-SD about one server, by multicast on loopback, in packets of its own making. */
export class DnsResponder implements AsyncDisposable {
  readonly #socket: Socket = createSocket({ type: 'udp4', reuseAddr: true });
  readonly #records: readonly DnsRecord[];
  /** Names that were asked for. */
  readonly asked = new Set<string>();
  port = 0;

  constructor({ domain, port, dcap }: AnnouncedServer) {
    const service = `_smartenergy._tcp.${domain}`;
    const instance = `utility.${service}`;
    const host = `utility.${domain}`;
    const txt = ['txtvers=1', `dcap=${dcap}`, `https=${port}`, 'level=-S1'];
    this.#records = [
      ...[service, `_edev._sub.${service}`].map((name) => ({ name, type: types.ptr, data: labels(instance) })),
      { name: instance, type: types.srv, data: Buffer.concat([u16(0), u16(0), u16(port), labels(host)]) },
      {
        name: instance,
        type: types.txt,
        data: Buffer.concat(txt.map((text) => Buffer.from([text.length, ...Buffer.from(text)]))),
      },
      { name: host, type: types.a, data: Buffer.from([127, 0, 0, 1]) },
    ];
  }

  async start(): Promise<void> {
    this.#socket.bind(0, '0.0.0.0');
    await once(this.#socket, 'listening');
    this.#socket.setMulticastInterface('127.0.0.1');
    this.#socket.addMembership(group, '127.0.0.1');
    this.port = this.#socket.address().port;
    this.#socket.on('message', (packet) => this.#answer(packet));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(packet: Buffer): void {
    const isQuery = packet.length >= 12 && packet.readUInt16BE(2) >> 15 === 0;
    if (!isQuery) return;
    const questions = questionsOf(packet);
    for (const { name } of questions) this.asked.add(name);
    const answers = this.#records.filter(({ name, type }) =>
      questions.some((question) => question.name === name && question.type === type),
    );
    if (answers.length === 0) return;
    const header = Buffer.concat([u16(0), u16(responseFlags), u16(0), u16(answers.length), u16(0), u16(0)]);
    this.#socket.send(Buffer.concat([header, ...answers.map(encode)]), this.port, group);
  }
}
