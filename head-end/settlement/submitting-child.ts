import { writeSync } from 'node:fs';
import { Micro, UnixSeconds } from '#hal/units.ts';
import { EmbeddedLedger } from './embedded-ledger.ts';
import { SettlementToken } from './token.ts';

/** Settles without end and prints each signature once it is confirmed; the test ends it with SIGKILL. */
const folder = process.argv[2] ?? '';
const at = UnixSeconds(1_800_000_000);
const ledger = new EmbeddedLedger({ folder, segmentBytes: 60_000 });
await ledger.start();
writeSync(1, 'started\n');
const token = new SettlementToken({ ledger, folder });
await token.start(
  ['A', 'B', 'C', 'D'].map((meterId) => ({ meterId })),
  at,
);
for (let n = ledger.sequence; ; n++) {
  const amount = 1 + (n % 997);
  const { bytes, signature } = await token.signTransfers(
    [{ from: 'A', to: 'B', amountMicro: Micro(amount) }],
    `gtx1:${n}:${amount}`,
  );
  await ledger.submit(bytes, at);
  writeSync(1, `${signature} ${amount}\n`);
}
