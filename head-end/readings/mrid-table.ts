interface Entry<T> {
  readonly mRID: Uint8Array;
  readonly value: T;
}

/**
 * What a device has, by mRID, in the order in which it came. A device names its own in the same order time and again,
 * so that the one behind the last is looked at first: comparing bytes is cheaper than making a key of them.
 */
export class MridTable<T> {
  readonly #byKey = new Map<string, Entry<T>>();
  #entries: Entry<T>[] = [];
  /** Where the one is that will be asked for next, perhaps. */
  #next = 0;

  get size(): number {
    return this.#entries.length;
  }

  get(mRID: Uint8Array): T | undefined {
    const expected = this.#entries[this.#next];
    if (expected !== undefined && isSame(expected.mRID, mRID)) {
      this.#expect(this.#next + 1);
      return expected.value;
    }
    const found = this.#byKey.get(mridKey(mRID));
    if (found !== undefined) this.#expect(this.#entries.indexOf(found) + 1);
    return found?.value;
  }

  set(mRID: Uint8Array, value: T): void {
    const entry = { mRID, value };
    const key = mridKey(mRID);
    const before = this.#byKey.get(key);
    if (before === undefined) this.#entries.push(entry);
    else this.#entries[this.#entries.indexOf(before)] = entry;
    this.#byKey.set(key, entry);
  }

  delete(mRID: Uint8Array): void {
    const key = mridKey(mRID);
    const entry = this.#byKey.get(key);
    this.#byKey.delete(key);
    this.#entries = this.#entries.filter((one) => one !== entry);
  }

  values(): T[] {
    return this.#entries.map(({ value }) => value);
  }

  #expect(place: number): void {
    this.#next = place < this.#entries.length ? place : 0;
  }
}

/** Bytes as a key: quicker than hex, and as unique. */
export const mridKey = (mRID: Uint8Array): string =>
  Buffer.from(mRID.buffer, mRID.byteOffset, mRID.byteLength).toString('latin1');

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
