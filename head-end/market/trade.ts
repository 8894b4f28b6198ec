import { hash } from 'node:crypto';
import { Micro, type MicroPerKWh, type UnixSeconds, type Wh } from '#hal/units.ts';

/** Energy that one participant sells to another in a window, at the window's price. */
export interface Trade {
  /** `tradeId`, 32 hexadecimal digits. */
  readonly id: string;
  readonly window: UnixSeconds;
  readonly zone: string;
  /** Position in the window's list of trades, from 0. */
  readonly seq: number;
  /** meterId of the seller and the mRID of its order. */
  readonly seller: string;
  readonly sellMRID: string;
  /** meterId of the buyer and the mRID of its order. */
  readonly buyer: string;
  readonly buyMRID: string;
  readonly energyWh: Wh;
  readonly price: MicroPerKWh;
  /** `paymentOf(energyWh, price)`: the buyer pays it, the seller receives it. */
  readonly paymentMicro: Micro;
}

/** floor(Wh × micro-units per kWh ÷ 1000), exact for every valid order. Throws RangeError beyond a safe integer. */
export function paymentOf(energyWh: Wh, price: MicroPerKWh): Micro {
  const product = energyWh * price;
  if (Number.isSafeInteger(product)) return Micro((product - (product % 1000)) / 1000);
  return Micro(Number((BigInt(energyWh) * BigInt(price)) / 1000n));
}

/**
 * A trade's identity: the first 128 bits of a domain-separated SHA-256 over window, zone, both orders' keys and
 * the position. JSON keeps the fields apart.
 */
export function tradeId(trade: Omit<Trade, 'id' | 'energyWh' | 'price' | 'paymentMicro'>): string {
  const { window, zone, buyer, buyMRID, seller, sellMRID, seq } = trade;
  const fields = JSON.stringify(['gtx:trade:v1', window, zone, buyer, buyMRID, seller, sellMRID, seq]);
  return hash('sha256', fields, 'hex').slice(0, 32);
}
