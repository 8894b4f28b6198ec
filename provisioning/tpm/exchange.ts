import { GridError } from '#hal/errors.ts';
import { malformed } from '#hal/tpm-response.ts';
import type { Command } from './commands.ts';
import { HmacSession, type ProtectedCommand, type SessionPart } from './hmac-session.ts';
import { explain, success } from './response-codes.ts';
import { nonce } from './structures.ts';
import { parse, Reader, struct, u8, u16, u32, unfit } from './wire.ts';

/** Something in the TPM that a command acts on; its Name goes into a session's proof. */
export interface Entity {
  readonly handle: number;
  readonly name: Uint8Array;
}

/** A hierarchy, a register or a session: its Name is its handle. */
export const permanent = (handle: number): Entity => ({ handle, name: u32.write(handle) });

/** By what a command is allowed to use a handle. No key or hierarchy of ours has a password but the empty one. */
export type Authorization = 'empty password' | { readonly policySession: number };

export interface Call<P> {
  readonly handles?: readonly Entity[];
  readonly parameters: P;
  /** One for each handle that needs it; the empty password where it is left out. */
  readonly authorizations?: readonly Authorization[];
  /** Protects the parameters on the bus; it authorises the first handle, where one needs that. */
  readonly session?: HmacSession | undefined;
}

export interface Answer<R> {
  /** Of what the command made; 0 where it makes nothing. */
  readonly handle: number;
  readonly response: R;
}

/** A command in the form of the wire, and how to read the response to it. */
export interface Exchange<R> {
  readonly command: Uint8Array;
  /** Throws GTX-TPM-003 for what is no response to it, GTX-TPM-004 for a refusal, GTX-TPM-006 for a forged one. */
  readonly read: (response: Uint8Array) => Answer<R>;
}

const tags = { plain: 0x8001, sessions: 0x8002 } as const;
const passwordSession = 0x40000009;
const continueSession = 0x01;
const none = new Uint8Array();

const sessionPart = struct({ nonce, attributes: u8, hmac: nonce });
const authorizationArea = (handle: number, part: SessionPart): Buffer =>
  Buffer.concat([u32.write(handle), sessionPart.write(part)]);

const responseHeader = struct({ tag: u16, size: u32, code: u32 });

/** The TPM refuses (GTX-TPM-004). */
const refusal = (command: string, code: number): GridError =>
  new GridError('GTX-TPM-004', `The TPM refuses ${command}: ${explain(code)}`);

/** The response code of a whole response; 0 for success. */
export const responseCodeOf = (response: Uint8Array): number => responseHeader.read(new Reader(response)).code;

/** Puts a command together (TPM 2.0 part 1 §18, part 3 §5). */
export function exchangeOf<P, R>(command: Command<P, R>, call: Call<P>): Exchange<R> {
  const { handles = [], session } = call;
  if (handles.length !== command.handles) throw unfit(`${command.name} acts on ${command.handles} handles`);
  const plain = command.parameters.write(call.parameters);
  const guarded = session?.protect({
    code: command.code,
    names: handles.map((entity) => entity.name),
    parameters: plain,
    encryptable: command.encryptable,
  });
  const areas = authorizationAreas(command.authorized, call, guarded);
  const authorizations = Buffer.concat(areas);
  const body = Buffer.concat([
    ...handles.map(({ handle }) => u32.write(handle)),
    ...(areas.length > 0 ? [u32.write(authorizations.length), authorizations] : []),
    guarded?.parameters ?? plain,
  ]);
  const header = [u16.write(areas.length > 0 ? tags.sessions : tags.plain), u32.write(10 + body.length)];
  return {
    command: Buffer.concat([...header, u32.write(command.code), body]),
    read: (response) => readResponse(command, response, areas.length, guarded),
  };
}

function authorizationAreas(
  authorized: number,
  { authorizations = [], session }: Call<unknown>,
  guarded: ProtectedCommand | undefined,
): Buffer[] {
  const areas = Array.from({ length: authorized }, (_, index) => {
    const authorization = authorizations[index] ?? 'empty password';
    const handle = authorization === 'empty password' ? passwordSession : authorization.policySession;
    return authorizationArea(handle, { nonce: none, attributes: continueSession, hmac: none });
  });
  if (session !== undefined && guarded !== undefined) areas[0] = authorizationArea(session.handle, guarded.part);
  return areas;
}

function readResponse<R>(
  command: Command<unknown, R>,
  bytes: Uint8Array,
  sessions: number,
  guarded: ProtectedCommand | undefined,
): Answer<R> {
  const reader = new Reader(bytes);
  const { tag, size, code } = responseHeader.read(reader);
  if (size !== bytes.length) throw malformed(`a response of ${bytes.length} octets claims ${size}`);
  if (code !== success) throw refusal(command.name, code);
  if (tag !== (sessions > 0 ? tags.sessions : tags.plain)) throw malformed(`a response's tag is 0x${tag.toString(16)}`);
  const handle = command.makesHandle ? reader.u32() : 0;
  const parameters = reader.take(sessions > 0 ? reader.u32() : reader.left);
  const parts = Array.from({ length: sessions }, () => sessionPart.read(reader));
  reader.end();
  const [first] = parts;
  const opened = guarded !== undefined && first !== undefined ? guarded.open(parameters, first) : parameters;
  return { handle, response: parse(command.response, opened) };
}
