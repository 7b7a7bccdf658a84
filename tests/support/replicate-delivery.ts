import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendBytes } from './replicate-http.ts';
import type { DownloadFault } from './replicate-predictions.ts';

/** Sends an output as delivery hosts do, or as they fail to. */
export async function deliver(
  response: ServerResponse,
  bytes: Buffer,
  fault: DownloadFault | undefined,
): Promise<void> {
  const half = bytes.subarray(0, bytes.length / 2);
  switch (fault?.kind) {
    case undefined:
      return sendBytes(response, bytes);
    case 'answer':
      return void response.writeHead(fault.status, fault.headers).end();
    case 'truncated':
      response.writeHead(200, { 'content-length': bytes.length });
      return void response.write(half, () => response.destroy());
    case 'stall':
      response.writeHead(200, { 'content-length': bytes.length });
      return void response.write(half);
    case 'held':
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(half);
      await fault.until;
      return void response.end(bytes.subarray(half.length));
    case 'slow': {
      response.writeHead(200);
      const size = Math.ceil(bytes.length / 10);
      for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
        response.write(bytes.subarray(at, at + size));
        await sleep(fault.pauseMs);
      }
      return void response.end();
    }
  }
}
