import type { TpmChannel, TpmPort } from '#hal/key-store.ts';
import { unanswered } from '#hal/tpm-response.ts';
import { delay } from '#hal/wall.ts';
import { type Command, startup } from './commands.ts';
import { type Answer, type Call, exchangeOf, responseCodeOf } from './exchange.ts';
import { alreadyStarted, isBusy } from './response-codes.ts';

/** What a busy TPM is given, five seconds in all: a chip's self-test takes about one. */
const busyTries = 100;
const busyPauseMs = 50;

/** Sends commands to a TPM one after the other, and again where the TPM asks for it. */
export class Dispatcher implements AsyncDisposable {
  readonly #port: TpmPort;
  #channel: TpmChannel | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(port: TpmPort) {
    this.#port = port;
  }

  get name(): string {
    return this.#port.name;
  }

  /** Opens the TPM and starts it, unless the firmware has done so. */
  async start(): Promise<void> {
    this.#channel = await this.#port.open();
    const exchange = exchangeOf(startup, { parameters: { type: 'clear' } });
    const response = await this.#transact(exchange.command);
    if (responseCodeOf(response) !== alreadyStarted) exchange.read(response);
  }

  /** Waits for the command under way, then lets go. What is asked for afterwards is refused (GTX-TPM-002). */
  async [Symbol.asyncDispose](): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    await this.#last;
    await channel?.[Symbol.asyncDispose]();
  }

  /** Sends a command when those before it are done. Throws GTX-TPM-002, 003, 004, 006 or 007. */
  run<P, R>(command: Command<P, R>, call: Call<P>): Promise<Answer<R>> {
    const turn = this.#last.then(async () => {
      // A session's nonces must be those of the command before: so not earlier than at its turn.
      const exchange = exchangeOf(command, call);
      return exchange.read(await this.#transact(exchange.command));
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #transact(command: Uint8Array): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      if (this.#channel === undefined) throw unanswered(this.name, 'it is not open');
      const response = await this.#channel.transact(command);
      if (!isBusy(responseCodeOf(response)) || tries === busyTries) return response;
      await delay(busyPauseMs);
    }
  }
}
