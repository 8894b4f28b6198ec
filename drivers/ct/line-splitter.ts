/** Cuts a byte stream into lines that end in LF or CR LF. It keeps at most `maxBytes` of an unfinished line. */
export class LineSplitter {
  readonly #maxBytes: number;
  #rest = '';
  /** In the middle of a line that was too long: wait for its end. */
  #isSkipping = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Hands over every whole line, as Latin-1 text without its end; `undefined` in place of one that was too long. */
  push(chunk: Buffer, onLine: (line: string | undefined) => void): void {
    const text = this.#rest + chunk.toString('latin1');
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const stop = end > start && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end;
      const isTooLong = this.#isSkipping || stop - start > this.#maxBytes;
      this.#isSkipping = false;
      onLine(isTooLong ? undefined : text.slice(start, stop));
      start = end + 1;
    }
    this.#rest = text.slice(start);
    // One byte more than a line: its CR may have come, its LF not yet.
    if (this.#rest.length <= this.#maxBytes + 1) return;
    this.#isSkipping = true;
    this.#rest = '';
  }

  /** Forgets an unfinished line: the stream starts anew. */
  reset(): void {
    this.#rest = '';
    this.#isSkipping = false;
  }

  /** Bytes kept for the next chunk. */
  get kept(): number {
    return this.#rest.length;
  }
}
