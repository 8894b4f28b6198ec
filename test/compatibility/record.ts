import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { recordOneBoard } from '../campus/one-board.ts';
import { sameNames } from '../campus/recording-proxy.ts';
import { linesOf, recordedHours, recordedStart, recordOf } from './recorded.ts';

/** `node test/compatibility/record.ts VERSION`: records a board and a head-end of this tree, once a version. */
const [version] = process.argv.slice(2);
if (version === undefined) throw new TypeError('Of which version?');

void test(`recording ${version}`, async (t) => {
  const { proxy } = await recordOneBoard(t, { start: recordedStart, hours: recordedHours, names: sameNames });
  if (proxy.failures.length > 0) throw new AggregateError(proxy.failures);
  writeFileSync(recordOf(version), gzipSync(linesOf(proxy.exchanges, ''), { level: 9 }));
});
