import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { reasonOf, systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { everyWall } from '#hal/wall.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import type { PeerCheck } from '#provisioning/peer-check.ts';
import { networkOf } from '../network.ts';
import type { Registry } from '../registry/devices.ts';
import { endWithRegistry, type Refused, standingRefusal } from './admission.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import type { KnownAuthorities } from './known-authorities.ts';
import { RefusalLog } from './refusals.ts';

export interface DoorkeeperOptions {
  /** Those below the server's roots that devices may be issued by. */
  readonly authorities: Pick<KnownAuthorities, 'check'>;
  readonly registry: Registry;
  /** Told of a device that was refused in the handshake: of the same refusal the 1st, 10th, 100th, … time. */
  readonly onRefused?: (refused: { lfdi: Lfdi; reason: string; from: string | undefined }) => void;
  /**
   * Told of a peer that is let in and is no device yet, as one that comes with a certificate that was issued in place
   * of its own: its requests wait until this has resolved, and where it rejects the connection ends, so that the peer
   * comes again.
   */
  readonly onArrival?: (lfdi: Lfdi) => Promise<void>;
  readonly log: Log;
  /** Whoever is connected is looked at again after so long, for certificates that end; 60 s unless told. */
  readonly recheckMs?: number;
  /** Other limits than the usual ones. */
  readonly limits?: Partial<ConnectionLimits>;
}

const defaultRecheckMs = 60_000;

/** Who is let in to the IEEE 2030.5 server, at the handshake and for as long as the connection stands. */
export class Doorkeeper implements Disposable {
  readonly #options: DoorkeeperOptions;
  /** Of the connections that were let in. */
  readonly #lfdis = new WeakMap<Socket, Lfdi>();
  /** And their certificates: Node gives them away once. */
  readonly #certificates = new WeakMap<Socket, Uint8Array>();
  /** Of those that are being made known. */
  readonly #arrivals = new WeakMap<Socket, Promise<void>>();
  readonly #strangers: RefusalLog;
  readonly #brokenHandshakes: RefusalLog;
  readonly #connections: Connections;
  readonly #watches = new DisposableStack();
  /** Handshakes that ended with somebody being let in. */
  handshakes = 0;

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
    this.#strangers = new RefusalLog(options.log, 'device refused');
    this.#brokenHandshakes = new RefusalLog(options.log, 'handshake refused');
    this.#connections = new Connections(options.limits);
  }

  start(): void {
    const { registry, recheckMs = defaultRecheckMs } = this.#options;
    this.#watches.use(endWithRegistry(registry, this.#connections));
    this.#watches.use(everyWall(recheckMs, () => this.recheck()));
  }

  /** Breaks off handshakes that are under way. */
  [Symbol.dispose](): void {
    this.#watches.dispose();
    this.#connections.breakOff();
  }

  /** A connection has come, and its handshake begins. */
  begin(socket: Socket): void {
    this.#connections.begin(socket);
  }

  /**
   * Lets in who has a certificate that TLS has verified, and of an authority that is known; without it no request of
   * the connection is answered. A session that is resumed has the certificate that it began with, and is held against
   * what is known now.
   */
  admit(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      this.#brokenHandshakes.note(networkOf(socket.remoteAddress), 'no-certificate', {});
      socket.destroy();
      return;
    }
    const checked = this.#check(certificate.raw);
    const answer = checked.ok && !socket.authorized ? notVerified(socket.authorizationError) : checked;
    if (answer.ok) {
      this.#connections.admit(socket, answer.lfdi);
      this.#lfdis.set(socket, answer.lfdi);
      this.#certificates.set(socket, certificate.raw);
      this.handshakes++;
      if (this.#options.registry.standingOf(answer.lfdi) !== 'in-force') this.#arrived(socket, answer.lfdi);
      return;
    }
    const facts = { reason: answer.detail, address: socket.remoteAddress };
    const lfdi = lfdiOf(certificate.raw);
    const isNews = this.#strangers.note(lfdi, answer.reason, facts);
    if (isNews) this.#options.onRefused?.({ lfdi, reason: `${answer.reason}: ${answer.detail}`, from: facts.address });
    socket.destroy();
  }

  /** A handshake did not come to its end. */
  broken(error: Error, socket: TLSSocket): void {
    const address = networkOf(socket.remoteAddress);
    this.#brokenHandshakes.note(address, systemCode(error) ?? 'broken off', { reason: reasonOf(error) });
  }

  /**
   * By whom a connection is that was let in; undefined for one that was not, whose request came in the same packets as
   * the end of its handshake. `whenKnown`: until then its requests wait.
   */
  peerOf(socket: Socket): { readonly lfdi: Lfdi; readonly whenKnown: Promise<void> | undefined } | undefined {
    const lfdi = this.#lfdis.get(socket);
    return lfdi === undefined ? undefined : { lfdi, whenKnown: this.#arrivals.get(socket) };
  }

  /** Ends the connections of certificates that would not be let in any more; answers how many it ended. */
  recheck(): number {
    let ended = 0;
    for (const [lfdi, socket] of this.#connections.peers()) {
      const certificate = this.#certificates.get(socket);
      if (certificate === undefined || this.#check(certificate).ok) continue;
      ended += this.#connections.end(lfdi);
    }
    return ended;
  }

  #arrived(socket: TLSSocket, lfdi: Lfdi): void {
    const { onArrival, log } = this.#options;
    const arrival = onArrival?.(lfdi).then(
      () => void this.#arrivals.delete(socket),
      (error: unknown) => {
        log.error({ lfdi, reason: reasonOf(error) }, 'a device that has come could not be made known');
        socket.destroy();
      },
    );
    if (arrival !== undefined) this.#arrivals.set(socket, arrival);
  }

  /** Whether a certificate holds, and the registry has nothing against it. */
  #check(certificate: Uint8Array): PeerCheck | Refused {
    const { authorities, registry } = this.#options;
    const answer = authorities.check(certificate);
    return (answer.ok ? standingRefusal(answer, certificate, registry) : undefined) ?? answer;
  }
}

/** What TLS alone has against a certificate, by OpenSSL's names: `UNABLE_TO_VERIFY_LEAF_SIGNATURE`, … */
const notVerified = (error: unknown) => {
  const reason = typeof error === 'string' ? error : 'unverified';
  return { ok: false, reason, detail: `TLS does not trust its certificate: ${reason}` } as const;
};
