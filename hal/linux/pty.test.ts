import assert from 'node:assert/strict';
import { constants, existsSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReadStream } from 'node:tty';
import { openPseudoTerminal } from './pty.ts';

test('every byte passes both ways, however often the port is opened, and the link goes with the line', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  const link = join(folder, 'line');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  {
    await using line = await openPseudoTerminal(link);
    line.stream.on('data', (chunk: Buffer) => line.stream.write(chunk));
    for (let i = 0; i < 3; i++) {
      const port = new ReadStream(openSync(link, constants.O_RDWR | constants.O_NOCTTY));
      port.write(bytes);
      let echoed = Buffer.alloc(0);
      for await (const chunk of port) {
        echoed = Buffer.concat([echoed, chunk as Buffer]);
        if (echoed.length === bytes.length) break;
      }
      assert.deepEqual(echoed, bytes);
    }
  }
  assert.equal(existsSync(link), false);
  await writeFile(link, '');
  await assert.rejects(openPseudoTerminal(link), { code: 'GTX-HAL-030' });
});
