import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { readRecording } from '#hal/recording/recording.ts';
import { RecordedModbus } from '#drivers/recording/modbus-words.ts';
import { replayBoard } from '#edge/recording/board-replay.ts';
import { cases } from './cases.ts';

const log = createLog('test', 'silent');

for (const { name, path, expected } of cases()) {
  test(`a board takes the samples from ${name} that it took before`, async () => {
    const lines: string[] = [];
    const onSample = ({ replayed }: { readonly replayed: unknown }): void => void lines.push(JSON.stringify(replayed));
    const report = await replayBoard({ recording: readRecording(path), log, onSample });
    assert.deepEqual(lines, expected);
    assert.ok(report.samples > 0);
    assert.equal(report.lost, 0);
  });
}

test('the shipped recordings hold damaged answers, late ones, exceptions and silence', async () => {
  const seen = new Set<string>();
  for (const { path } of cases()) {
    const recording = readRecording(path);
    for (const [place, { wire }] of recording.header.ports.entries()) {
      if (wire !== 'modbus') continue;
      const modbus = await RecordedModbus.of(recording, place);
      for (const exchange of modbus.exchanges) {
        const { outcome, afterMs = 0 } = modbus.words(exchange);
        seen.add(afterMs > 300 ? 'late' : outcome.replace(/ \d+$/, ''));
      }
    }
  }
  for (const what of ['answer', 'damaged', 'late', 'exception', 'silence', 'closed']) assert.ok(seen.has(what), what);
});
