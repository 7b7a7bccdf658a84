import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileKindOf } from './file-kind.ts';

/** A file part of a multipart body. */
export class UploadedPart {
  readonly bytes: Buffer;
  readonly filename: string;
  readonly type: string;
  constructor(bytes: Buffer, filename: string, type: string) {
    this.bytes = bytes;
    this.filename = filename;
    this.type = type;
  }
  /** As the OpenAPI document has it: a string of bytes. */
  toJSON(): string {
    return this.bytes.toString('base64');
  }
}

/** A request's body, whole. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** JSON, or the parts of a multipart body by name. */
export async function parseBody(raw: Buffer, contentType: string | undefined): Promise<unknown> {
  if (raw.length === 0) return undefined;
  if (!contentType?.startsWith('multipart/form-data')) return JSON.parse(raw.toString());
  const body = new Uint8Array(raw);
  const form = await new Response(body, { headers: { 'content-type': contentType } }).formData();
  const parts: Record<string, unknown> = {};
  for (const [name, part] of form) {
    if (typeof part === 'string') parts[name] = part;
    else if (part.type === 'application/json') parts[name] = JSON.parse(await part.text());
    else
      parts[name] = new UploadedPart(Buffer.from(await part.arrayBuffer()), part.name, part.type);
  }
  return parts;
}

/** Sends JSON, `{}` when there is no body; what was only accepted has none. */
export function sendJson(
  response: ServerResponse,
  answer: { readonly status: number; readonly body?: unknown },
  headers: Record<string, string> = {},
): void {
  if (answer.status === 202 && answer.body === undefined) {
    response.writeHead(202, headers).end();
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(answer.body ?? {}));
}

/** Sends a file with its type and length. */
export function sendBytes(response: ServerResponse, bytes: Buffer): void {
  const { contentType } = fileKindOf(bytes);
  response.writeHead(200, { 'content-type': contentType, 'content-length': bytes.length });
  response.end(bytes);
}

/** Serves on a free port of this machine; a handler that throws is noted in `violations`. */
export async function listen(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  violations: string[],
): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    serve(request, response).catch((error) => {
      // A client that hangs up half-way is part of the play.
      if (!request.destroyed) violations.push(`${request.method} ${request.url}: ${error}`);
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
