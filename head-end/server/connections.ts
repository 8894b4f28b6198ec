import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { monotonicMs } from '#hal/wall.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { networkOf } from '../network.ts';

/** How many connections there may be, so that nobody can take all of them. */
export interface ConnectionLimits {
  /** Handshakes under way at once, of all and of one address. */
  readonly handshakes: number;
  readonly handshakesOfAddress: number;
  /** Where there are too many, one that has taken longer than this gives way to the next, ms of wall time. */
  readonly slowMs: number;
  /** Open connections of one device, or of who else is let in; aggregators keep several. */
  readonly ofDevice: number;
}

/** A handshake takes some milliseconds, with a key in a TPM chip some hundred. */
export const defaultConnectionLimits: ConnectionLimits = {
  handshakes: 4096,
  handshakesOfAddress: 1024,
  slowMs: 2000,
  ofDevice: 16,
};

/**
 * The connections of the IEEE 2030.5 server, or of another whose peers have names, and their limits. An address is throttled and never locked: honest boards
 * stand behind the same one as others. Of too many handshakes the slowest gives way, so that whoever holds connections
 * open and says nothing loses them to those who speak; where none is slow, the newcomer has to come again. Of too many
 * connections of one device the oldest gives way: a board that lost its power leaves such behind.
 */
export class Connections<Peer extends string = Lfdi> {
  readonly #limits: ConnectionLimits;
  /** By network, then by the peer's address and port; the first of a network is the oldest. */
  readonly #underWay = new Map<string, Map<string, UnderWay>>();
  readonly #ofDevice = new Map<Peer, Set<TLSSocket>>();
  #handshakes = 0;

  constructor(limits: Partial<ConnectionLimits> = {}) {
    this.#limits = { ...defaultConnectionLimits, ...limits };
  }

  /** Handshakes that are under way. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /** A connection has come, and its handshake begins. */
  begin(socket: Socket): void {
    const { remoteAddress } = socket;
    // It is gone already.
    if (remoteAddress === undefined) return;
    const network = networkOf(remoteAddress);
    const ofNetwork = this.#underWay.get(network) ?? new Map<string, UnderWay>();
    const crowded = this.#crowded(ofNetwork);
    if (crowded !== undefined && !this.#slowestGivesWay(crowded)) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    this.#underWay.set(network, ofNetwork);
    ofNetwork.set(peer, { socket, network, began: monotonicMs() });
    this.#handshakes++;
    socket.once('close', () => {
      if (ofNetwork.get(peer)?.socket === socket) this.#ended(network, peer);
    });
  }

  /** A handshake ended well, and the peer is let in by its name. */
  admit(socket: TLSSocket, name: Peer): void {
    // The TLS socket stands for the one that came, from the same address and port.
    this.#ended(networkOf(socket.remoteAddress), peerOf(socket));
    const open = this.#ofDevice.get(name) ?? new Set();
    const [oldest] = open;
    if (oldest !== undefined && open.size >= this.#limits.ofDevice) {
      open.delete(oldest);
      oldest.destroy();
    }
    this.#ofDevice.set(name, open.add(socket));
    socket.once('close', () => {
      open.delete(socket);
      if (open.size === 0 && this.#ofDevice.get(name) === open) this.#ofDevice.delete(name);
    });
  }

  /** Breaks off all handshakes that are under way. */
  breakOff(): void {
    for (const ofNetwork of this.#underWay.values()) for (const { socket } of ofNetwork.values()) socket.destroy();
  }

  /** Ends every open connection of a peer, and says how many. */
  end(name: Peer): number {
    const open = [...(this.#ofDevice.get(name) ?? [])];
    for (const socket of open) socket.destroy();
    return open.length;
  }

  /** One open connection of every peer that has some. */
  peers(): (readonly [Peer, TLSSocket])[] {
    return [...this.#ofDevice].flatMap(([name, [socket]]) => (socket === undefined ? [] : [[name, socket] as const]));
  }

  /** The handshakes that there are too many of. */
  #crowded(ofNetwork: ReadonlyMap<string, UnderWay>): ReadonlyMap<string, UnderWay> | undefined {
    if (ofNetwork.size >= this.#limits.handshakesOfAddress) return ofNetwork;
    if (this.#handshakes < this.#limits.handshakes) return undefined;
    return [...this.#underWay.values()].reduce((most, one) => (one.size > most.size ? one : most));
  }

  /** Whether one of them was slow, and has made room. */
  #slowestGivesWay(crowded: ReadonlyMap<string, UnderWay>): boolean {
    const [oldest] = crowded;
    if (oldest === undefined) return false;
    const [peer, { socket, network, began }] = oldest;
    if (monotonicMs() - began < this.#limits.slowMs) return false;
    this.#ended(network, peer);
    socket.destroy();
    return true;
  }

  #ended(network: string, peer: string): void {
    const ofNetwork = this.#underWay.get(network);
    if (ofNetwork?.delete(peer) !== true) return;
    this.#handshakes--;
    if (ofNetwork.size === 0) this.#underWay.delete(network);
  }
}

interface UnderWay {
  readonly socket: Socket;
  readonly network: string;
  readonly began: number;
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
