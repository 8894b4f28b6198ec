import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import type { HeadEndStatus } from '#head-end/protocol.ts';
import { LogScreen, screenFor, TerminalScreen, type TextStream } from './screen.ts';

class Paper implements TextStream {
  text = '';
  readonly isTTY?: boolean;
  readonly columns?: number;

  constructor(terminal: { isTTY?: boolean; columns?: number } = {}) {
    if (terminal.isTTY !== undefined) this.isTTY = terminal.isTTY;
    if (terminal.columns !== undefined) this.columns = terminal.columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  lines(): string[] {
    return stripVTControlCharacters(this.text)
      .split(/[\r\n]+/)
      .map((line) => line.trimEnd());
  }
}

const status: HeadEndStatus = {
  time: UnixSeconds(Date.parse('2026-06-22T18:30:15Z') / 1000),
  metersOnline: 25,
  generationW: 812_345,
  loadW: 640_000,
  gridW: -172_345,
  storageW: 12_000,
  readingsStored: 27_225,
  lastWindow: {
    window: UnixSeconds(Date.parse('2026-06-22T18:35:00Z') / 1000),
    volumeWh: 12_340,
    priceMicroPerKWh: 181_250,
  },
  windowsSettled: 5,
};

test('a pipe gets a screen of plain lines, a terminal one that is drawn in place', () => {
  using plain = screenFor(new Paper());
  using drawn = screenFor(new Paper({ isTTY: true }));
  assert.ok(plain instanceof LogScreen && drawn instanceof TerminalScreen);
});

test('plain lines have no control characters, and each says who speaks', () => {
  const paper = new Paper();
  using screen = new LogScreen(paper);
  screen.progress('starting the ledger');
  screen.running(['25 boards', 'dashboard http://127.0.0.1:8080/']);
  screen.status(status);
  screen.done('finished');
  assert.equal(
    paper.text,
    'campus: starting the ledger\n' +
      'campus: 25 boards\n' +
      'campus: dashboard http://127.0.0.1:8080/\n' +
      'campus: 2026-06-22T18:30:15Z generation 812.3 kW, load 640.0 kW, grid -172.3 kW, ' +
      '27225 readings, 5 windows settled\n' +
      'campus: finished\n',
  );
});

test('plain lines do not repeat the status every second', () => {
  const paper = new Paper();
  using screen = new LogScreen(paper);
  for (let n = 0; n < 100; n++) screen.status(status);
  assert.equal(paper.text.split('\n').length, 2);
});

test('a terminal shows each step of the start, and ticks off those that are done', () => {
  const paper = new Paper({ isTTY: true, columns: 80 });
  using screen = new TerminalScreen(paper);
  screen.progress('certificates');
  screen.progress('database');
  screen.running(['25 boards']);
  const lines = paper.lines();
  assert.ok(lines.includes('  ✓ certificates') && lines.includes('  ✓ database'));
});

test('a terminal shows directions in words and prices by the kilowatt-hour', () => {
  const paper = new Paper({ isTTY: true, columns: 80 });
  using screen = new TerminalScreen(paper);
  screen.running(['25 boards']);
  screen.status(status);
  assert.deepEqual(
    paper.lines().filter((line) => line !== ''),
    [
      '  25 boards',
      '  time         2026-06-22  18:30:15 UTC',
      '  boards       25 online',
      '  generation   812.3 kW',
      '  load         640.0 kW',
      '  grid         172.3 kW export',
      '  storage      12.0 kW discharging',
      '  last window  18:35 UTC  12.3 kWh at 0.181/kWh',
      '  settled      5 windows',
      '  readings     27225 stored',
      '  Ctrl-C ends it; the next start goes on.',
    ],
  );
  const other = new Paper({ isTTY: true, columns: 80 });
  using second = new TerminalScreen(other);
  second.status({ ...status, gridW: 5_000, storageW: -2_000, lastWindow: undefined });
  const lines = other.lines();
  assert.ok(lines.includes('  grid         5.0 kW import') && lines.includes('  storage      2.0 kW charging'));
  assert.ok(lines.includes('  last window  none cleared yet'));
  second.status({ ...status, lastWindow: { window: status.time, volumeWh: 0, priceMicroPerKWh: null } });
  assert.ok(other.lines().some((line) => line.endsWith('0.0 kWh at –')));
});

test('a notice is told once and in full, however narrow the terminal', () => {
  const paper = new Paper({ isTTY: true, columns: 40 });
  using screen = new TerminalScreen(paper);
  screen.running(['one']);
  screen.notice(`sign in by ${'x'.repeat(90)}`);
  screen.status(status);
  screen.status(status);
  assert.equal(paper.text.split(`sign in by ${'x'.repeat(90)}\n`).length, 2);
  const plain = new Paper();
  using log = new LogScreen(plain);
  log.notice('sign in by …');
  assert.equal(plain.text, 'campus: sign in by …\n');
});

test('a terminal is drawn anew in place: as many lines up as were drawn', () => {
  const paper = new Paper({ isTTY: true, columns: 80 });
  using screen = new TerminalScreen(paper);
  screen.running(['one', 'two']);
  screen.status(status);
  const drawn = paper.text.split('\n').length - 1;
  paper.text = '';
  screen.status(status);
  // oxlint-disable-next-line no-control-regex -- what is drawn is made of them
  assert.equal(/^\u001B\[(\d+)A/.exec(paper.text)?.[1], String(drawn));
});

test('no line is wider than the terminal, nor where it does not say how wide it is', () => {
  for (const [columns, most] of [
    [40, 39],
    [0, 79],
  ] as const) {
    const paper = new Paper({ isTTY: true, columns });
    using screen = new TerminalScreen(paper);
    screen.running(['x'.repeat(200)]);
    screen.status(status);
    assert.equal(Math.max(...paper.lines().map((line) => line.length)), most);
  }
});

test('a closing word replaces the step that was under way', () => {
  const paper = new Paper({ isTTY: true, columns: 80 });
  using screen = new TerminalScreen(paper);
  screen.progress('database');
  screen.done('stopped');
  assert.deepEqual(
    paper
      .lines()
      .filter((line) => line !== '')
      .at(-1),
    '  stopped',
  );
});
