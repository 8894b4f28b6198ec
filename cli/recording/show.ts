import { checkWhole, readBytes, type Recording, scanRecording } from '#hal/recording/recording.ts';
import type { RecordedFrame } from '#hal/recording/frame.ts';
import { msOf } from '#hal/recording/replayed-bytes.ts';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { type ModbusWords, RecordedModbus } from '#drivers/recording/modbus-words.ts';
import type { ShowOptions } from '../recording.ts';

interface Line {
  readonly ms: number;
  readonly place: number;
  readonly port: string;
  readonly data: unknown;
  readonly text: string;
}

/** Prints a recording; one that is damaged up to there, and then rejects with `GTX-REC-004`. */
export async function showRecording(path: string, { from = 0, to = Infinity, json }: ShowOptions): Promise<void> {
  const recording = scanRecording(path, readBytes(path));
  const { header, end } = recording;
  const began = isoTime(UnixSeconds(Math.floor(header.startedAtMs / 1000)));
  process.stderr.write(
    `${header.board.name} (${header.board.meterId}), recorded from ${began} by ${header.software}\n`,
  );
  const lines = (await linesOf(recording)).filter(({ ms }) => ms >= from * 1000 && ms <= to * 1000);
  for (const { ms, port, data, text } of lines.toSorted((a, b) => a.place - b.place)) {
    const seconds = (ms / 1000).toFixed(3);
    process.stdout.write(
      json === true
        ? `${JSON.stringify({ seconds: Number(seconds), port, ...(data as object) })}\n`
        : `${seconds.padStart(10)}  ${port.padEnd(24)}  ${text}\n`,
    );
  }
  tellEnd(recording);
  if (end.at === 'damage') checkWhole(recording);
}

/** Says on stderr that a recording was cut off. */
export function tellEnd({ path, end }: Recording): void {
  if (end.at !== 'cut') return;
  process.stderr.write(`${path} was cut off: it is whole up to byte ${end.offset}, and nothing is known of the rest\n`);
}

async function linesOf(recording: Recording): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const [place, { name, wire }] of recording.header.ports.entries()) {
    const frames = recording.frames.filter(({ port, kind }) => port === place && !isOfBoard.has(kind));
    if (wire === 'modbus') {
      const modbus = await RecordedModbus.of(recording, place);
      for (const exchange of modbus.exchanges) {
        const words = modbus.words(exchange);
        lines.push({
          ms: exchange.ms,
          place: exchange.place,
          port: name,
          data: { modbus: words },
          text: sentence(words),
        });
      }
    }
    const isBus = wire === 'modbus';
    for (const frame of frames) {
      if (isBus && (frame.kind === 'sent' || frame.kind === 'received')) continue;
      lines.push(lineOf(frame, name));
    }
  }
  const ofBoard = recording.frames.filter(({ kind }) => isOfBoard.has(kind));
  return [...lines, ...ofBoard.map((frame) => lineOf(frame, 'board'))];
}

const isOfBoard: ReadonlySet<string> = new Set(['call', 'answered', 'sampling', 'sampled', 'lost', 'clock']);

function lineOf(frame: RecordedFrame, port: string): Line {
  const body = printable(frame.body.toString('latin1'));
  return { ms: msOf(frame), place: frame.place, port, data: { [frame.kind]: body }, text: `${frame.kind} ${body}` };
}

/** What a terminal could take for more than text is written as its code. */
const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (each) =>
    each === '\n' ? '\\n' : each === '\r' ? '\\r' : `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

/** Registers that are shown of a device that nobody knows. */
const shownDigits = 64;

function sentence({ unit, function: what, from, count, outcome, afterMs, values, registers }: ModbusWords): string {
  const span = count === 1 ? String(from) : `${from} to ${from + count - 1}`;
  const named = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  const raw = registers.length > shownDigits ? `${registers.slice(0, shownDigits)}…` : registers;
  const shown = named.length > 0 ? named.join(', ') : raw;
  const end = outcome === 'answer' ? shown : [shown, outcome].filter((part) => part !== '').join(': ');
  const after = afterMs === undefined ? '' : `  (${afterMs.toFixed(1)} ms)`;
  return `unit ${unit} ${what} ${span}: ${end}${after}`;
}
