/**
 * The pieces of a body while it arrives. A client may send it byte by byte, and each piece takes some hundred bytes of
 * memory besides its own, which nobody counts. So after the first pieces, all are copied into blocks.
 */

/** As large as what a socket mostly brings at once. */
const BLOCK_BYTES = 64 * 1024;
/** Pieces that stay as they came: most bodies have no more. */
const FIRST_PIECES = 64;

export class Pieces {
  #pieces: Buffer[] = [];
  #block: Buffer | undefined;
  /** Bytes of the block that are in use. */
  #filled = 0;

  add(piece: Buffer): void {
    if (!this.#block && this.#pieces.length < FIRST_PIECES) {
      this.#pieces.push(piece);
      return;
    }
    for (let at = 0; at < piece.length; ) {
      this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const copied = piece.copy(this.#block, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === BLOCK_BYTES) this.#closeBlock();
    }
  }

  /** Returns all that has come, and keeps nothing. */
  take(): Buffer[] {
    this.#closeBlock();
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #closeBlock(): void {
    if (this.#block) this.#pieces.push(this.#block.subarray(0, this.#filled));
    this.#block = undefined;
    this.#filled = 0;
  }
}
