import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileStore } from '../world/file-store.ts';
import { refuse, sendJson } from './api-route.ts';
import { BotApiError } from './bot-api-error.ts';
import type { FaultSource } from './faults.ts';

const dripBytes = 16 * 1024;
const defaultDripMs = 50;

/** Answers one request to `/file/bot<token>/<path>`. */
export async function handleDownload(
  path: string,
  response: ServerResponse,
  deps: { files: FileStore; faults: FaultSource; closing: AbortSignal },
): Promise<void> {
  const fault = deps.faults.takeForDownload();
  const file = deps.files.byPath(path);
  if (fault?.kind === 'reset') return void response.socket?.destroy();
  if (file === undefined || fault?.kind === '404') {
    return sendJson(response, refuse(new BotApiError(404, 'Not Found')));
  }
  const bytes = deps.files.bytes(file);
  response.writeHead(200, {
    'content-type': file.mimeType ?? 'application/octet-stream',
    'content-length': bytes.byteLength,
  });
  if (fault?.kind === 'truncate') {
    const half = bytes.subarray(0, Math.floor(bytes.byteLength / 2));
    response.write(half, () => response.socket?.destroy());
    return;
  }
  if (fault?.kind === 'slow') {
    const options = { signal: deps.closing };
    for (let at = 0; at < bytes.byteLength && !response.destroyed; at += dripBytes) {
      response.write(bytes.subarray(at, at + dripBytes));
      await sleep(fault.ms ?? defaultDripMs, undefined, options).catch(() => {});
    }
    response.end();
    return;
  }
  response.end(bytes);
}
