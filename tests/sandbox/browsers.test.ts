import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { startSandbox, testToken } from '../support/sandbox.ts';

/** The status of a request with headers that `fetch` does not let through. */
function statusOf(url: string, headers: Readonly<Record<string, string>>) {
  return new Promise<number>((resolve, reject) => {
    request(url, { headers, method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

for (const [title, headers, status] of [
  ['a bot is served', {}, 200],
  ['so is one that knows the server by its name', { host: 'localhost:8081' }, 200],
  ['a script of any page is not', { origin: 'http://localhost:8080' }, 403],
  ['nor a page without an origin', { origin: 'null' }, 403],
  ['nor a picture put into a page', { 'sec-fetch-site': 'cross-site' }, 403],
  ['nor a name that somebody pointed at this machine', { host: 'evil.example' }, 403],
] as const) {
  test(`${title}, with the right token`, async (t) => {
    const server = await startSandbox(t);
    const url = `${server.url}/bot${testToken}/getMe`;
    assert.equal(await statusOf(url, headers), status);
    assert.equal(server.calls.length, status === 200 ? 1 : 0);
  });
}

test('no page gets a file either', async (t) => {
  const server = await startSandbox(t);
  const url = `${server.url}/file/bot${testToken}/photos/file_0.jpg`;
  assert.equal(await statusOf(url, { 'sec-fetch-site': 'same-site' }), 403);
});
