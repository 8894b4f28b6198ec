import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { delay } from '#hal/wall.ts';
import { createLog } from '#hal/log.ts';
import { seedOf, uniform } from '#hal/random.ts';
import { openDatabase } from '#head-end/database/database.ts';
import { EmbeddedLedger } from '#head-end/settlement/embedded-ledger.ts';
import { CampusProcess, runToEnd, shortCampus, temporaryFolder } from '../campus/campus-process.ts';

export const victims = {
  boards: 'edge/fleet/main.ts',
  'head-end': 'head-end/main.ts',
  database: 'bin/postgres -D',
} as const;
export type Victim = keyof typeof victims;

/** An evening of trades for each run. */
const evening = (day: number): string[] => ['--start', `2026-06-${10 + day}T17:00:00-07:00`, '--sample', '15'];
/** Random, yet told when it fails: the moments of death of a run. */
const seed = seedOf(Date.now() >>> 0, 'moments');

/** Lets a campus run for a random while, then kills a part of it, as a crash would. */
async function runAndKill(data: string, victim: Victim, round: number): Promise<void> {
  const campus = new CampusProcess(shortCampus(data, ['--speed', '600', ...evening(round)]));
  await campus.says(/dashboard/);
  await delay(300 + 3000 * uniform(seed, round));
  const target = campus.processes().find(({ command }) => command.includes(victims[victim]));
  assert.ok(target !== undefined, `no ${victim} among ${JSON.stringify(campus.processes())}`);
  process.kill(target.pid, 'SIGKILL');
  const { code, stderr } = await campus.ended;
  assert.equal(code, 1, `a campus whose ${victim} died ended with ${code}:\n${stderr}`);
  assert.match(stderr, /GTX-[A-Z]+-\d+/);
}

/**
 * Kills these parts of a campus, one after the other, at random moments, restarting after each; then holds what the
 * boards know to be stored against the database, and the ledger against the settled windows.
 */
export async function killAndCheck(t: TestContext, killed: readonly Victim[]): Promise<void> {
  t.diagnostic(`moments from seed ${seed}`);
  const data = temporaryFolder(t, 'kill');
  for (const [round, victim] of killed.entries()) await runAndKill(data, victim, round);
  const report = await runToEnd(shortCampus(data, ['--speed', 'max', '--hours', '0.25', ...evening(killed.length)]));
  assert.equal(report.readings.lost, 0);
  assert.equal(report.settlement.moneyResidueMicro, 0);
  assert.equal(report.settlement.failed, 0);
  await assertLedgerMatches(data);
}

/** Every window with trades stands on the ledger exactly once, and every confirmed batch is one of them. */
async function assertLedgerMatches(data: string): Promise<void> {
  const log = createLog('test', 'silent');
  await using database = await openDatabase({ folder: join(data, 'head-end', 'database'), log });
  await using ledger = new EmbeddedLedger({ folder: join(data, 'head-end', 'ledger'), log });
  await ledger.start();
  const onLedger = ledger.settlements(10_000).map(({ memo }) => Number(memo.split(':')[1]));
  const { rows } = await database.pool.query<{ window_start: number; state: string }>(
    `SELECT window_start, state FROM settlement_batches WHERE state <> 'empty' ORDER BY window_start`,
  );
  assert.equal(new Set(onLedger).size, onLedger.length, 'a window stands on the ledger twice');
  assert.deepEqual(
    onLedger.toSorted((a, b) => a - b),
    rows.map((row) => row.window_start),
  );
  assert.ok(rows.every((row) => row.state === 'confirmed'));
  assert.ok(rows.length > 0, 'nothing was settled');
}
