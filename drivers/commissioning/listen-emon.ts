import type { BytePort } from '#hal/ports.ts';
import { deadline } from '#hal/wall.ts';
import { maxLineBytes, parseEmonLine } from '../ct/emon-line.ts';
import { isOkFrame, okLayoutNames, type OkLayoutName, parseOkFrame } from '../ct/emon-ok-frame.ts';
import { LineSplitter } from '../ct/line-splitter.ts';

/** A CT front-end that was heard. */
export interface EmonFinding {
  readonly format: 'text' | 'json' | 'ok';
  /** Clamp inputs; unknown for `OK` frames that no known firmware sends. */
  readonly channels: number | undefined;
  /** Of `OK` frames: the firmware whose layout they have, where it is known, and their node. */
  readonly okFrames: { readonly layout: OkLayoutName | undefined; readonly node: number } | undefined;
  /** What it said, to be looked at. */
  readonly line: string;
}

/** The first message of an emonTx or emonPi on a line; `undefined` where none came in `ms`. Rejects as the port does. */
export async function listenForEmon(
  port: BytePort,
  ms: number,
  signal?: AbortSignal,
): Promise<EmonFinding | undefined> {
  const stream = await port.open();
  const heard = Promise.withResolvers<EmonFinding | undefined>();
  const splitter = new LineSplitter(maxLineBytes);
  const take = (line: string | undefined): void => {
    const finding = line === undefined ? undefined : findingOf(line);
    if (finding !== undefined) heard.resolve(finding);
  };
  const onAbort = (): void => heard.reject(signal?.reason);
  stream.on('data', (chunk: Buffer) => splitter.push(chunk, take));
  stream.on('error', (error) => heard.reject(error));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  using _limit = deadline(ms, () => heard.resolve(undefined));
  try {
    return await heard.promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    const closed = new Promise<void>((resolve) => {
      stream.once('close', () => resolve());
    });
    stream.destroy();
    await closed;
  }
}

function findingOf(line: string): EmonFinding | undefined {
  if (isOkFrame(line)) return okFinding(line);
  const message = parseEmonLine(line);
  if (typeof message === 'string') return undefined;
  return {
    format: line.startsWith('{') ? 'json' : 'text',
    channels: message.channels.length,
    okFrames: undefined,
    line,
  };
}

/** The node stands in the low five bits of the first byte (JeeLib header). */
const nodeMask = 0x1f;

function okFinding(line: string): EmonFinding {
  const node = Number(/^OK (\d{1,3})/.exec(line)?.[1] ?? 0) & nodeMask;
  const parsed = okLayoutNames.map((layout) => ({ layout, readout: parseOkFrame(line, layout, node) }));
  const known = parsed.find(({ readout }) => typeof readout !== 'string');
  const channels = known === undefined || typeof known.readout === 'string' ? undefined : known.readout.channels.length;
  return { format: 'ok', channels, okFrames: { layout: known?.layout, node }, line };
}
