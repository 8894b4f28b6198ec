import { Micro } from '#hal/units.ts';
import type { Balance } from './token.ts';

/**
 * Money that ledger and database do not agree on: Σ over participants of |what the ledger holds − (what it was given
 * + what its settled trades brought)|. 0 when every micro-unit is accounted for at both ends.
 * @param balances read from the ledger
 * @param settledNets computed from the stored trades of confirmed settlements, by meterId
 */
export function moneyResidue(balances: readonly Balance[], settledNets: ReadonlyMap<string, bigint>): Micro {
  const unmatched = new Map(settledNets);
  let residue = 0n;
  for (const { meterId, openingMicro, balanceMicro } of balances) {
    const difference = BigInt(balanceMicro) - BigInt(openingMicro) - (unmatched.get(meterId) ?? 0n);
    residue += difference < 0n ? -difference : difference;
    unmatched.delete(meterId);
  }
  // Someone who traded and has no account on the ledger at all.
  for (const net of unmatched.values()) residue += net < 0n ? -net : net;
  return Micro(Number(residue));
}
