import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { uniform } from '#hal/random.ts';
import { UnixSeconds } from '#hal/units.ts';
import { delay } from '#hal/wall.ts';
import { EmbeddedLedger } from './embedded-ledger.ts';
import { SettlementToken } from './token.ts';

/**
 * Kills a process that settles, at random moments, the set-up of keys, accounts and segments included, and checks
 * after each kill that every confirmed transaction is there once and that no money was made or lost.
 */
export async function killRounds(folder: string, rounds: number): Promise<void> {
  const confirmed = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'submitting-child.ts'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const [first] = (await once(lines, 'line')) as [string];
    assert.equal(first, 'started');
    let printed = 0;
    lines.on('line', (line) => {
      const [signature, amount] = line.split(' ');
      assert.ok(signature !== undefined && !confirmed.has(signature), 'confirmed twice');
      confirmed.set(signature, Number(amount));
      printed++;
    });
    // Every third round may be killed in its set-up; the others settle something first, however busy the machine is.
    const isEarly = round % 3 === 0;
    for (let line = isEarly ? 3 : 0; line < 3; line++) await once(lines, 'line');
    await delay(Math.floor(uniform(7, round) * (isEarly ? 150 : 500)));
    child.kill('SIGKILL');
    await ended;
    await checkLedger(folder, confirmed, printed);
  }
  assert.ok(confirmed.size > rounds);
}

async function checkLedger(folder: string, confirmed: Map<string, number>, printed: number): Promise<void> {
  await using ledger = new EmbeddedLedger({ folder });
  await ledger.start();
  const shown = ledger.settlements(Number.POSITIVE_INFINITY);
  assert.equal(new Set(shown.map(({ signature }) => signature)).size, shown.length, 'none twice');
  // The ledger remembers two short segments, about twice as many.
  const newest = [...confirmed.keys()].slice(confirmed.size - Math.min(printed, 20));
  for (const signature of newest) assert.ok(ledger.has(signature), 'a confirmed transaction is there');
  // At most the one that was under way was recorded without being announced.
  for (const { signature, memo } of shown) {
    if (!confirmed.has(signature)) confirmed.set(signature, Number(memo.split(':')[2]));
  }
  const token = new SettlementToken({ ledger, folder });
  await token.start([], UnixSeconds(1_800_000_000));
  const moved = [...confirmed.values()].reduce((sum, amount) => sum + amount, 0);
  for (const { meterId, openingMicro, balanceMicro } of token.balances()) {
    const brought = meterId === 'A' ? 0 - moved : meterId === 'B' ? moved : 0;
    assert.equal(balanceMicro, openingMicro + brought, `the balance of ${meterId}`);
  }
}
