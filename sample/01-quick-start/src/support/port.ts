import { once } from 'node:events';
import { createServer } from 'node:net';

/** Why nothing can listen on this port of the loopback interface, in words; `undefined` where it can. */
export async function portProblem(port: number): Promise<string | undefined> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return `PORT=${process.env.PORT} is not a port. Leave it out, or give one:  PORT=3001 npm start`;
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? `Port ${port} is taken by another program` : message;
    return `${reason}. Choose another port:  PORT=${port === 3_000 ? 3_001 : 3_000} npm start`;
  } finally {
    probe.close();
  }
}
