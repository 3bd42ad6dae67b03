/** Far above anything a server sends; the first bytes of another protocol read as a length far above it. */
const LONGEST_FRAME = 256 * 1024 * 1024;

/** Cuts a stream of bytes into frames: a length of four bytes, then so many bytes. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private size = 0;

  /** Takes what has arrived and gives the frames that are whole now. @throws where the bytes are no frames */
  *take(chunk: Buffer): Generator<Buffer> {
    this.chunks.push(chunk);
    this.size += chunk.length;
    for (let length = this.nextLength(); length !== undefined && this.size >= 4 + length; length = this.nextLength()) {
      const all = this.joined();
      this.size -= 4 + length;
      this.chunks = this.size > 0 ? [all.subarray(4 + length)] : [];
      yield all.subarray(4, 4 + length);
    }
  }

  /** Whether a frame has come in part. */
  get isAmidst(): boolean {
    return this.size > 0;
  }

  private nextLength(): number | undefined {
    if (this.size < 4) return undefined;
    const first = this.chunks[0]!;
    const length = (first.length >= 4 ? first : this.joined()).readInt32BE();
    if (length < 0 || length > LONGEST_FRAME) throw new Error("what answers does not speak ZooKeeper's protocol");
    return length;
  }

  /** A frame that came in pieces is put together once, when its last piece is there. */
  private joined(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks, this.size)];
    return this.chunks[0]!;
  }
}
