import type { Message } from 'grammy/types';
import type { FaultName, PressResult, SentAs } from './wire.ts';

/** What became of a payment, as the server tells it. */
export type PaymentOutcome =
  | { readonly kind: 'paid'; readonly chargeId: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'short'; readonly missing: number }
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'closed' };

async function post<T>(path: string, body: object = {}): Promise<T> {
  const response = await fetch(`/api${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as T & { error?: string };
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

export const sendText = (personId: number, text: string) =>
  post<Message[]>(`/people/${personId}/text`, { text });

export const pressButton = (personId: number, messageId: number, data: string) =>
  post<PressResult>(`/people/${personId}/press`, { messageId, data });

export const payInvoice = (personId: number, messageId: number) =>
  post<PaymentOutcome>(`/people/${personId}/pay`, { messageId });

export const addStars = (personId: number, count: number) =>
  post<object>(`/people/${personId}/stars`, { count });

export const changeChat = (personId: number, change: 'block' | 'unblock' | 'clear') =>
  post<object>(`/people/${personId}/${change}`);

export const killBot = () => post<object>('/bot/kill');
export const orderFault = (name: FaultName) => post<object>('/faults', { name });
export const clearFaults = () => post<object>('/faults/clear');

/** Sends up to ten files as one album, and tells from 0 to 1 how far it is. */
export function sendFiles(
  personId: number,
  as: SentAs,
  files: readonly { readonly blob: Blob; readonly name: string }[],
  about: { readonly caption: string; readonly durationSeconds: number | undefined },
  onProgress: (progress: number) => void,
): Promise<Message[]> {
  const { caption, durationSeconds } = about;
  const form = new FormData();
  form.set('as', as);
  if (caption !== '') form.set('caption', caption);
  if (durationSeconds !== undefined) form.set('durationSeconds', `${durationSeconds}`);
  for (const { blob, name } of files) form.append('file', blob, name);
  // `fetch` does not tell how much of a body has been sent.
  const request = new XMLHttpRequest();
  request.open('POST', `/api/people/${personId}/files`);
  request.responseType = 'json';
  request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / Math.max(1, total));
  return new Promise((resolve, reject) => {
    request.onload = () => {
      const answer = request.response as Message[] | { error?: string } | null;
      if (request.status === 200 && Array.isArray(answer)) resolve(answer);
      else reject(new Error((answer as { error?: string } | null)?.error ?? request.statusText));
    };
    request.onerror = () => reject(new Error('the connection was lost'));
    request.send(form);
  });
}

/** Where a file of the chat is. */
export const fileUrl = (fileId: string) => `/files/${encodeURIComponent(fileId)}`;
