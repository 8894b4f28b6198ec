import { createHash } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { Micro, type UnixSeconds, Wh } from '#hal/units.ts';
import { compareText } from '../market/orders.ts';
import { paymentOf, type Trade } from '../market/trade.ts';

/** What a window leaves a participant with. */
export interface Net {
  readonly meterId: string;
  /** Received less paid. */
  readonly netMicro: Micro;
  /** Sold less bought. */
  readonly netWh: Wh;
}

export interface Transfer {
  readonly from: string;
  readonly to: string;
  /** At least 1. */
  readonly amountMicro: Micro;
}

export interface Netting {
  /** By meterId. */
  readonly nets: readonly Net[];
  readonly transfers: readonly Transfer[];
  /** SHA-256 over the canonical list of trades, 64 hexadecimal digits. */
  readonly tradesHash: string;
  readonly trades: number;
  readonly volumeWh: Wh;
  /** Sum of the trades' payments, before netting. */
  readonly paymentMicro: Micro;
  /** Sum of the transfers: what moves on the ledger. */
  readonly transferredMicro: Micro;
}

/** Throws `GTX-SET-001` unless a sum is one that a number holds exactly. */
function exact(sum: bigint, what: string): number {
  if (sum > BigInt(Number.MAX_SAFE_INTEGER) || sum < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new GridError('GTX-SET-001', `${what} adds up to ${sum}, which exceeds an exact number`);
  }
  return Number(sum);
}

/** Throws `GTX-SET-001` unless what some lost is what others won. */
export function assertConserved(nets: readonly Net[], window: UnixSeconds | null): void {
  let [money, energy] = [0n, 0n];
  for (const net of nets) {
    money += BigInt(net.netMicro);
    energy += BigInt(net.netWh);
  }
  if (money !== 0n || energy !== 0n) {
    throw new GridError('GTX-SET-001', `Window ${window} is not conserved: ${money} micro-units, ${energy} Wh over`, {
      hint: 'Nothing was settled. Compare the stored trades of this window with its clearing.',
    });
  }
}

function assertSound(trades: readonly Trade[]): void {
  const [first] = trades;
  const ids = new Set<string>();
  for (const trade of trades) {
    const isSound =
      trade.window === first?.window &&
      trade.zone === first.zone &&
      trade.seller !== trade.buyer &&
      trade.energyWh > 0 &&
      trade.paymentMicro === paymentOf(trade.energyWh, trade.price) &&
      !ids.has(trade.id);
    if (!isSound) {
      throw new GridError('GTX-SET-002', `Trade ${trade.id} of window ${trade.window} is not what was cleared`, {
        hint: 'A trade has two parties, one window, an id of its own, and floor(Wh × price ÷ 1000) as payment.',
      });
    }
    ids.add(trade.id);
  }
}

/**
 * SHA-256 over a domain and one JSON array a trade, in the order of `seq`; anyone who holds the list can recompute it.
 */
export function hashTrades(trades: readonly Trade[]): string {
  const digest = createHash('sha256').update('gtx:trades:v1\n');
  for (const trade of trades.toSorted((a, b) => a.seq - b.seq)) {
    const { id, window, zone, seq, seller, sellMRID, buyer, buyMRID, energyWh, price, paymentMicro } = trade;
    const fields = [id, window, zone, seq, seller, sellMRID, buyer, buyMRID, energyWh, price, paymentMicro];
    digest.update(`${JSON.stringify(fields)}\n`);
  }
  return digest.digest('hex');
}

/** Pays net creditors from net debtors, both walked by meterId: at most participants − 1 transfers. */
export function transfersOf(nets: readonly Net[]): Transfer[] {
  const transfers: Transfer[] = [];
  const creditors = nets.filter((net) => net.netMicro > 0).values();
  let creditor = creditors.next();
  let due = creditor.value?.netMicro ?? 0;
  for (const debtor of nets.filter((net) => net.netMicro < 0)) {
    let owed = 0 - debtor.netMicro;
    while (owed > 0 && !creditor.done) {
      const amountMicro = Micro(Math.min(owed, due));
      transfers.push({ from: debtor.meterId, to: creditor.value.meterId, amountMicro });
      owed -= amountMicro;
      due -= amountMicro;
      if (due > 0) continue;
      creditor = creditors.next();
      due = creditor.value?.netMicro ?? 0;
    }
  }
  return transfers;
}

/**
 * Nets the trades of one window per participant. Throws `GTX-SET-002` for a trade that is not sound and
 * `GTX-SET-001` when money or energy is not conserved.
 */
export function netWindow(trades: readonly Trade[]): Netting {
  assertSound(trades);
  const sums = new Map<string, { micro: bigint; wh: bigint }>();
  const add = (meterId: string, micro: number, wh: number): void => {
    const sum = sums.get(meterId) ?? { micro: 0n, wh: 0n };
    sums.set(meterId, { micro: sum.micro + BigInt(micro), wh: sum.wh + BigInt(wh) });
  };
  let [volume, payments] = [0n, 0n];
  for (const { seller, buyer, energyWh, paymentMicro } of trades) {
    add(seller, paymentMicro, energyWh);
    add(buyer, 0 - paymentMicro, 0 - energyWh);
    volume += BigInt(energyWh);
    payments += BigInt(paymentMicro);
  }
  const nets = [...sums]
    .map(([meterId, { micro, wh }]) => ({
      meterId,
      netMicro: Micro(exact(micro, `The money of ${meterId}`)),
      netWh: Wh(exact(wh, `The energy of ${meterId}`)),
    }))
    .toSorted((a, b) => compareText(a.meterId, b.meterId));
  assertConserved(nets, trades[0]?.window ?? null);
  const transfers = transfersOf(nets);
  const transferred = transfers.reduce((sum, { amountMicro }) => sum + BigInt(amountMicro), 0n);
  return {
    nets,
    transfers,
    tradesHash: hashTrades(trades),
    trades: trades.length,
    volumeWh: Wh(exact(volume, 'The volume')),
    paymentMicro: Micro(exact(payments, 'All payments')),
    transferredMicro: Micro(exact(transferred, 'All transfers')),
  };
}
