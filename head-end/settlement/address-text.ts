import { type Address, getAddressDecoder, getAddressEncoder } from '@solana/kit';

const addressEncoder = getAddressEncoder();
const addressDecoder = getAddressDecoder();
/** Base58 is slow, and a ledger sees the same few addresses over and over. */
const addressTexts = new Map<string, Address>();
const addressBytes = new Map<Address, Uint8Array>();
const maxAddresses = 4096;

/** @param bytes 32 */
export function addressOf(bytes: Uint8Array): Address {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  let address = addressTexts.get(key);
  if (address === undefined) {
    address = addressDecoder.decode(bytes);
    if (addressTexts.size >= maxAddresses) addressTexts.clear();
    addressTexts.set(key, address);
  }
  return address;
}

/** 32 bytes, not to be written to. */
export function bytesOf(address: Address): Uint8Array {
  let bytes = addressBytes.get(address);
  if (bytes === undefined) {
    bytes = addressEncoder.encode(address) as Uint8Array;
    if (addressBytes.size >= maxAddresses) addressBytes.clear();
    addressBytes.set(address, bytes);
  }
  return bytes;
}
