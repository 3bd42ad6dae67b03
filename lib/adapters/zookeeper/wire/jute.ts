const FIRST_SIZE = 256;

/** Writes the server's record format: big-endian numbers; texts and buffers behind their length, -1 for none. */
export class JuteWriter {
  private buffer = Buffer.allocUnsafe(FIRST_SIZE);
  private used = 0;

  int(value: number): this {
    this.reserve(4);
    this.used = this.buffer.writeInt32BE(value, this.used);
    return this;
  }

  long(value: bigint): this {
    this.reserve(8);
    this.used = this.buffer.writeBigInt64BE(value, this.used);
    return this;
  }

  bool(value: boolean): this {
    this.reserve(1);
    this.used = this.buffer.writeUInt8(value ? 1 : 0, this.used);
    return this;
  }

  /** A text, or a buffer with that text in it: both look the same. `null` is a buffer that is not there. */
  text(value: string | null): this {
    if (value === null) return this.int(-1);
    const length = Buffer.byteLength(value);
    this.int(length).reserve(length);
    this.used += this.buffer.write(value, this.used, length, 'utf8');
    return this;
  }

  bytes(value: Buffer): this {
    this.int(value.length).reserve(value.length);
    this.used += value.copy(this.buffer, this.used);
    return this;
  }

  /** Everything so far as one frame: its length goes in front. */
  frame(): Buffer {
    const frame = Buffer.allocUnsafe(4 + this.used);
    frame.writeInt32BE(this.used);
    this.buffer.copy(frame, 4, 0, this.used);
    return frame;
  }

  private reserve(bytes: number): void {
    const needed = this.used + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}

/** Reads it. A record that ends too early throws a `RangeError`, as reading past the end of a buffer does. */
export class JuteReader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  int(): number {
    const value = this.buffer.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  long(): bigint {
    const value = this.buffer.readBigInt64BE(this.at);
    this.at += 8;
    return value;
  }

  bool(): boolean {
    const value = this.buffer.readUInt8(this.at);
    this.at += 1;
    return value !== 0;
  }

  /** A text that is always there; one that is not reads as empty. */
  text(): string {
    return this.optionalText() ?? '';
  }

  optionalText(): string | null {
    return this.bytes()?.toString('utf8') ?? null;
  }

  bytes(): Buffer | null {
    const length = this.int();
    if (length < 0) return null;
    if (this.at + length > this.buffer.length) throw new RangeError(`${length} bytes are announced and not there`);
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  texts(): string[] {
    const count = this.int();
    const found: string[] = [];
    for (let i = 0; i < count; i++) found.push(this.text());
    return found;
  }

  skip(bytes: number): this {
    this.at += bytes;
    return this;
  }
}
