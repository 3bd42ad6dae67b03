import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FrameReader } from '../../lib/adapters/zookeeper/wire/frames.js';
import { JuteReader, JuteWriter } from '../../lib/adapters/zookeeper/wire/jute.js';
import { CODE, OP } from '../../lib/adapters/zookeeper/wire/protocol.js';
import { atomically, create, frameOf, getData, remove, setData } from '../../lib/adapters/zookeeper/wire/requests.js';
import { WireConnection } from '../../lib/adapters/zookeeper/wire/wire-connection.js';
import { systemClock } from '../../lib/core/common/clock.js';

const body = (frame: Buffer): JuteReader => new JuteReader(frame.subarray(4));

describe('records', () => {
  it('read as they were written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (text, long) => {
          const frame = new JuteWriter().int(-7).text(text).long(long).text(null).bool(true).text('').frame();
          expect(frame.readInt32BE()).toBe(frame.length - 4);
          const from = body(frame);
          expect([from.int(), from.text(), from.long(), from.optionalText(), from.bool(), from.optionalText()]).toEqual(
            [-7, text, long, null, true, ''],
          );
        },
      ),
    );
  });

  it('that end too early are an error', () => {
    const frame = new JuteWriter().text('whole').frame();
    expect(() => new JuteReader(frame.subarray(4, 8)).text()).toThrow('are announced and not there');
    expect(() => new JuteReader(frame.subarray(4, 6)).int()).toThrow('outside buffer bounds');
  });
});

describe('frames', () => {
  it('come out whole, however their bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        (sent, cuts) => {
          const stream = Buffer.concat(
            sent.map((bytes) => new JuteWriter().bytes(Buffer.from(bytes)).frame().subarray(4)),
          );
          const reader = new FrameReader();
          const got: Buffer[] = [];
          for (let at = 0; at < stream.length;) {
            const length = cuts.next().value as number;
            got.push(...reader.take(stream.subarray(at, at + length)));
            at += length;
          }
          expect(got.map((bytes) => [...bytes])).toEqual(sent.map((bytes) => [...bytes]));
        },
      ),
    );
  });

  it('of another protocol are refused at once', () => {
    for (const greeting of ['HTTP/1.1 400 Bad Request', '-ERR unknown command', '\x16\x03\x01\x02\x00\xff']) {
      expect(() => [...new FrameReader().take(Buffer.from(greeting, 'latin1'))]).toThrow('does not speak');
    }
  });
});

describe('a transaction', () => {
  const parts = [
    remove('/a', 3),
    create({ path: '/a', data: 'x', ephemeral: true, access: 'creator' }),
    setData('/a', null, -1),
  ];

  it('is written as one request', () => {
    const from = body(frameOf(9, atomically(parts)));
    expect([from.int(), from.int()]).toEqual([9, OP.multi]);
    const header = (): unknown[] => [from.int(), from.bool(), from.int()];
    expect([...header(), from.text(), from.int()]).toEqual([OP.delete, false, -1, '/a', 3]);
    expect([...header(), from.text(), from.text()]).toEqual([OP.create2, false, -1, '/a', 'x']);
    expect([from.int(), from.int(), from.text(), from.text(), from.int()]).toEqual([1, 31, 'auth', '', 1]);
    expect([...header(), from.text(), from.optionalText(), from.int()]).toEqual([
      OP.setData,
      false,
      -1,
      '/a',
      null,
      -1,
    ]);
    expect(header()).toEqual([-1, true, -1]);
  });

  it('tells which part failed', () => {
    const failure = [0, CODE.BadVersion, CODE.RuntimeInconsistency];
    const out = new JuteWriter();
    for (const code of failure) out.int(-1).bool(false).int(code).int(code);
    expect(atomically(parts).read(body(out.int(-1).bool(true).int(-1).frame()))).toBe(CODE.BadVersion);
  });
});

/** A server in this process that says what it is told to, for what a real one does not do on demand. */
describe('a connection', () => {
  const waiting: Server[] = [];
  afterEach(async () => {
    for (const server of waiting.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  const connected = async (answer: (xid: number, socket: Socket) => void): Promise<WireConnection> => {
    const server = createServer((socket) => {
      const frames = new FrameReader();
      let isGranted = false;
      socket
        .on('error', () => undefined)
        .on('data', (chunk) => {
          for (const frame of frames.take(chunk)) {
            if (isGranted) answer(frame.readInt32BE(), socket);
            else socket.write(new JuteWriter().int(0).int(6_000).long(7n).bytes(Buffer.alloc(16)).bool(false).frame());
            isGranted = true;
          }
        });
    });
    waiting.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wire = await WireConnection.open({
      target: { host: '127.0.0.1', port },
      clock: systemClock,
      connectTimeoutMs: 5_000,
      answerTimeoutMs: 200,
      sessionTimeoutMs: 6_000,
      keepsAlive: false,
      signal: new AbortController().signal,
      onEvent: () => undefined,
    });
    if (wire === 'expired') throw new Error('it is not');
    return wire;
  };
  const reply = (xid: number, zxid: bigint): Buffer => new JuteWriter().int(xid).long(zxid).int(0).frame();

  it('gives up on a server whose data has gone back while it runs', async () => {
    const zxids = [5n, 5n, 6n, 4n];
    const wire = await connected((xid, socket) => socket.write(reply(xid, zxids.shift()!)));
    for (const zxid of [5n, 5n, 6n]) expect((await wire.call(remove('/', 0))).zxid).toBe(zxid);
    await expect(wire.call(remove('/', 0))).rejects.toMatchObject({ message: expect.stringContaining('gone back') });
    expect(wire.isOpen).toBe(false);
  });

  it('gives up when an answer is late, on all that was asked behind it, and sends nothing more', async () => {
    const wire = await connected((xid, socket) => xid === 1 && socket.write(reply(xid, 1n)));
    await wire.call(remove('/', 0));
    const calls = await Promise.allSettled([wire.call(remove('/', 0)), wire.call(remove('/', 0))]);
    for (const call of calls)
      expect(call).toMatchObject({ reason: { wasSent: true, message: 'no answer within 200 ms' } });
    await expect(wire.call(remove('/', 0))).rejects.toMatchObject({ wasSent: false });
  });

  it('has patience with a slow line, as long as answers keep coming', async () => {
    const line: Buffer[] = [];
    const wire = await connected((xid, socket) => {
      const answer = reply(xid, 1n);
      // The first one comes in pieces.
      line.push(...(xid === 1 ? [...answer].map((byte) => Buffer.of(byte)).slice(0, 8) : []));
      line.push(xid === 1 ? answer.subarray(8) : answer);
      if (xid !== 8) return;
      const timer = setInterval(() => {
        socket.write(line.shift()!);
        if (line.length === 0) clearInterval(timer);
      }, 60);
    });
    const calls = await Promise.all(Array.from({ length: 8 }, () => wire.call(remove('/', 0))));
    expect(calls.map(({ code }) => code)).toEqual(calls.map(() => 0));
    await wire.quit(0);
  });

  it('does not mistake one answer for another', async () => {
    const wire = await connected((xid, socket) => socket.write(reply(xid + 1, 1n)));
    await expect(wire.call(remove('/', 0))).rejects.toMatchObject({
      wasSent: true,
      message: 'answers came out of order',
    });
  });

  it('takes part of an answer for no answer', async () => {
    const wire = await connected((xid, socket) => socket.write(reply(xid, 1n)));
    await expect(wire.call(getData('/a'))).rejects.toMatchObject({ wasSent: true });
    expect(wire.isOpen).toBe(false);
  });
});
