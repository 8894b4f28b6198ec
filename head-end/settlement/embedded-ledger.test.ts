import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generateKeyPairSigner, type KeyPairSigner, lamports } from '@solana/kit';
import { getTransferSolInstruction } from '@solana-program/system';
import { UnixSeconds } from '#hal/units.ts';
import { EmbeddedLedger, type EmbeddedLedgerOptions } from './embedded-ledger.ts';
import { durableDisk, Journal } from './journal.ts';
import { encodeRecord, type JournalRecord } from './record.ts';
import { memoInstruction, signTransaction } from './sign.ts';

const at = UnixSeconds(1_800_000_000);

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-ledger-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

async function opened(options: EmbeddedLedgerOptions): Promise<EmbeddedLedger> {
  const ledger = new EmbeddedLedger(options);
  await ledger.start();
  return ledger;
}

/** A transaction that moves lamports and says so in its memo. */
async function payment(
  ledger: EmbeddedLedger,
  from: KeyPairSigner,
  to: KeyPairSigner,
  amount: number,
): Promise<Uint8Array> {
  const transfer = getTransferSolInstruction({
    source: from,
    destination: to.address,
    amount: lamports(BigInt(amount)),
  });
  const { bytes } = await signTransaction({
    operator: from,
    blockhash: ledger.latestBlockhash(),
    instructions: [transfer, memoInstruction(`gtx1:${amount}`)],
    tables: [],
  });
  return bytes;
}

/** A ledger that has taken five payments of 1,000,001 … 1,000,005 lamports, and is closed again. */
async function usedLedger(
  t: TestContext,
): Promise<{ folder: string; from: KeyPairSigner; to: KeyPairSigner; journal: string }> {
  const folder = folderFor(t);
  const [from, to] = [await generateKeyPairSigner(), await generateKeyPairSigner()];
  await using ledger = await opened({ folder });
  await ledger.fund(from.address, 1_000_000_000_000n);
  for (let n = 1; n <= 5; n++) await ledger.submit(await payment(ledger, from, to, 1_000_000 + n), at);
  return { folder, from, to, journal: join(folder, 'journal-000001') };
}

test('a restart finds balances, confirmations, time and blockhash as they were', async (t) => {
  const { folder, from, to } = await usedLedger(t);
  const before = await opened({ folder });
  const [slot, blockhash, shown] = [before.slot(), before.latestBlockhash(), before.settlements(10)];
  assert.equal(before.account(to.address)?.lamports, 5_000_015n);
  assert.deepEqual(
    shown.map(({ memo, sequence }) => [memo, sequence]),
    [5, 4, 3, 2, 1].map((n) => [`gtx1:${1_000_000 + n}`, n + 1]),
  );
  await before[Symbol.asyncDispose]();
  await using ledger = await opened({ folder });
  assert.deepEqual([ledger.slot(), ledger.latestBlockhash(), ledger.settlements(10)], [slot, blockhash, shown]);
  assert.equal(ledger.settlements(2).length, 2);
  await ledger.submit(await payment(ledger, from, to, 7), at);
  assert.equal(ledger.account(to.address)?.lamports, 5_000_022n);
});

test('the same transaction again has the same answer and moves nothing, also after a restart', async (t) => {
  const { folder, from, to } = await usedLedger(t);
  const first = await opened({ folder });
  const bytes = await payment(first, from, to, 9);
  const [one, two] = await Promise.all([first.submit(bytes, at), first.submit(bytes, at)]);
  assert.deepEqual(one, two);
  await first[Symbol.asyncDispose]();
  await using ledger = await opened({ folder });
  assert.ok(ledger.has(one.signature));
  assert.deepEqual(await ledger.submit(bytes, at), one);
  assert.equal(ledger.account(to.address)?.lamports, 5_000_024n);
});

test('a record that was being written when the process died is cut off; the rest stands', async (t) => {
  const { folder, journal, to } = await usedLedger(t);
  const { size } = statSync(journal);
  // Cut within the last record, at its header, body and hash.
  for (const short of [1, 40, 300]) {
    truncateSync(journal, size - short);
    await using ledger = await opened({ folder });
    assert.equal(ledger.account(to.address)?.lamports, 4_000_010n);
    assert.equal(ledger.settlements(10).length, 4);
  }
  const whole = statSync(journal).size;
  // A header whose body never came, a few bytes of one, and a block of zeros.
  for (const rest of [readFileSync(journal).subarray(32, 40), Buffer.from([9, 0, 0]), Buffer.alloc(512)]) {
    appendFileSync(journal, rest);
    await using ledger = await opened({ folder });
    assert.equal(ledger.sequence, 5);
    assert.equal(statSync(journal).size, whole);
  }
});

test('a byte changed anywhere in the journal is found, and the ledger does not start', async (t) => {
  const { folder, journal } = await usedLedger(t);
  const good = readFileSync(journal);
  for (let byte = 0; byte < good.length; byte += 211) {
    const bad = Buffer.from(good);
    bad[byte] = (bad[byte] as number) ^ 0x10;
    writeFileSync(journal, bad);
    await assert.rejects(opened({ folder }), { code: 'GTX-LED-004' }, `byte ${byte} of ${good.length}`);
    assert.deepEqual(readFileSync(journal), bad, 'nothing is changed');
  }
  writeFileSync(journal, good);
  await using ledger = await opened({ folder });
  assert.equal(ledger.sequence, 6);
});

test('what the machine rejects changes nothing and is not recorded', async (t) => {
  const { folder, from, to } = await usedLedger(t);
  await using ledger = await opened({ folder });
  const [slot, balance] = [ledger.slot(), ledger.account(from.address)?.lamports];
  const tooMuch = await payment(ledger, from, to, 9_000_000_000_000);
  await assert.rejects(ledger.submit(tooMuch, at), { code: 'GTX-LED-008' });
  const forged = await payment(ledger, from, to, 8);
  forged[10] = (forged[10] as number) ^ 1;
  await assert.rejects(ledger.submit(forged, at), { code: 'GTX-LED-011' });
  await assert.rejects(ledger.submit(new Uint8Array(1233), at), { code: 'GTX-LED-009' });
  await assert.rejects(ledger.submit(new Uint8Array(3), at), { code: 'GTX-LED-011' });
  assert.deepEqual([ledger.slot(), ledger.account(from.address)?.lamports, ledger.sequence], [slot, balance, 6]);
  // Not even a fee: the next transaction finds the machine as the last one left it.
  await ledger.submit(await payment(ledger, from, to, 8), at);
  assert.equal(ledger.account(from.address)?.lamports, (balance ?? 0n) - 8n - 5_000n);
});

test('without space nothing is confirmed, the state stays where the journal is, and nothing more is taken', async (t) => {
  const { folder, from, to } = await usedLedger(t);
  let isFull = false;
  const disk = {
    ...durableDisk,
    async append(...[file, bytes, position]: Parameters<typeof durableDisk.append>) {
      if (!isFull) return durableDisk.append(file, bytes, position);
      await file.write(bytes, 0, 100, position);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
  };
  const ledger = await opened({ folder, disk });
  isFull = true;
  await assert.rejects(ledger.submit(await payment(ledger, from, to, 8), at), { code: 'GTX-LED-006' });
  assert.equal(ledger.account(to.address)?.lamports, 5_000_015n);
  isFull = false;
  await assert.rejects(ledger.submit(await payment(ledger, from, to, 8), at), { code: 'GTX-LED-007' });
  await ledger[Symbol.asyncDispose]();
  await using again = await opened({ folder });
  assert.equal(again.account(to.address)?.lamports, 5_000_015n);
  await again.submit(await payment(again, from, to, 8), at);
});

test('a journal that grows goes on in a new segment; older transactions cannot come back', async (t) => {
  const { folder, from, to } = await usedLedger(t);
  const first = await opened({ folder, segmentBytes: 6_000 });
  const old = await payment(first, from, to, 50);
  const kept = await payment(first, from, to, 51);
  const { signature } = await first.submit(kept, at);
  for (let n = 100; n < 120; n++) {
    await first.submit(await payment(first, from, to, n), at);
    if (readdirSync(folder).includes('journal-000002')) break;
  }
  assert.ok(first.has(signature), 'the segment before is remembered');
  await assert.rejects(first.submit(old, at), { code: 'GTX-LED-010' });
  for (let n = 200; n < 230; n++) await first.submit(await payment(first, from, to, n), at);
  assert.equal(first.has(signature), false, 'memory is bounded');
  await assert.rejects(first.submit(kept, at), { code: 'GTX-LED-010' });
  const [balance, blockhash, sequence] = [first.account(to.address), first.latestBlockhash(), first.sequence];
  const shown = first.settlements(1000);
  await first[Symbol.asyncDispose]();
  assert.ok(readdirSync(folder).filter((name) => name.startsWith('journal-')).length > 3);
  await using ledger = await opened({ folder });
  assert.deepEqual(
    [ledger.account(to.address), ledger.latestBlockhash(), ledger.sequence],
    [balance, blockhash, sequence],
  );
  assert.deepEqual(ledger.settlements(1000), shown);
});

test('a segment that was being begun when the process died is forgotten', async (t) => {
  const { folder } = await usedLedger(t);
  writeFileSync(join(folder, 'journal-000002.new'), 'half');
  await using ledger = await opened({ folder });
  assert.equal(ledger.sequence, 6);
  assert.ok(!readdirSync(folder).includes('journal-000002.new'));
});

test('a folder belongs to one ledger at a time, and to its owner', async (t) => {
  const folder = join(folderFor(t), 'ledger');
  const first = await opened({ folder });
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  await assert.rejects(opened({ folder }), { code: 'GTX-LED-003' });
  await first[Symbol.asyncDispose]();
  await using ledger = await opened({ folder });
  assert.equal(ledger.sequence, 0);
});

test('a folder of another version, or that cannot be made, is refused', async (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'ledger.json'), '{"format":"gridtokenx-ledger","version":2}');
  await assert.rejects(opened({ folder }), { code: 'GTX-LED-002' });
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(opened({ folder: join(folder, 'file', 'ledger') }), { code: 'GTX-LED-001' });
});

test('a ledger that is not running says so', async (t) => {
  const ledger = new EmbeddedLedger({ folder: join(folderFor(t), 'ledger') });
  assert.throws(() => ledger.latestBlockhash(), { code: 'GTX-LED-007' });
  await assert.rejects(ledger.submit(new Uint8Array(), at), { code: 'GTX-LED-007' });
  await ledger[Symbol.asyncDispose]();
});

test('without space for a new segment what was confirmed stays, and nothing more is taken', async (t) => {
  const { folder, from, to } = await usedLedger(t);
  const disk = {
    async append(...[file, bytes, position]: Parameters<typeof durableDisk.append>) {
      if (position > 0) return durableDisk.append(file, bytes, position);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
  };
  const ledger = await opened({ folder, disk, segmentBytes: 1 });
  const { signature } = await ledger.submit(await payment(ledger, from, to, 8), at);
  await assert.rejects(ledger.submit(await payment(ledger, from, to, 9), at), { code: 'GTX-LED-007' });
  await ledger[Symbol.asyncDispose]();
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('journal-')),
    ['journal-000001'],
  );
  await using again = await opened({ folder });
  assert.ok(again.has(signature));
});

/** A journal whose chain holds, with records that no ledger wrote. */
async function forgedLedger(t: TestContext, bodies: readonly Uint8Array[]): Promise<string> {
  const folder = folderFor(t);
  await (await opened({ folder }))[Symbol.asyncDispose]();
  rmSync(join(folder, 'journal-000001'));
  const { journal } = await Journal.open(folder, durableDisk);
  for (const [index, body] of bodies.entries()) await (index === 0 ? journal.begin(body) : journal.append(body));
  await journal[Symbol.asyncDispose]();
  return folder;
}

const record = (fields: Partial<JournalRecord>): Buffer =>
  encodeRecord({
    kind: 'checkpoint',
    sequence: 0,
    transaction: new Uint8Array(),
    memo: '',
    accounts: [],
    stateHash: createHash('sha256').update('gtx:state:v1\n').digest(),
    blockhashAge: 1,
    known: [],
    ...fields,
  });

test('a journal that is whole but whose records make no sense is not believed', async (t) => {
  const sound = await forgedLedger(t, [record({})]);
  await (await opened({ folder: sound }))[Symbol.asyncDispose]();
  const forgeries: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['GTX-LED-005', [record({ stateHash: Buffer.alloc(32, 7) })]],
    ['GTX-LED-004', [record({}), record({ kind: 'funds', sequence: 2 })]],
    ['GTX-LED-004', [record({}), record({})]],
    ['GTX-LED-004', [record({ kind: 'funds' })]],
    ['GTX-LED-004', [Buffer.from('no record at all')]],
    ['GTX-LED-004', [Buffer.concat([record({}), Buffer.alloc(1)])]],
    ['GTX-LED-011', [record({}), record({ kind: 'transaction', sequence: 1, transaction: new Uint8Array(70) })]],
  ];
  for (const [code, bodies] of forgeries) {
    await assert.rejects(opened({ folder: await forgedLedger(t, bodies) }), { code });
  }
});
