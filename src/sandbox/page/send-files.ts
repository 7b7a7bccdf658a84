import type { Message } from 'grammy/types';
import { fileUrl, sendFiles } from './api.ts';
import { compressPhoto, looksLikePhoto } from './compress-photo.ts';
import { isAlbumKind, measureDuration } from './sounds-and-videos.ts';
import { mergeMessages, type PageState, type Sending } from './state.ts';
import type { Store } from './store.ts';
import type { SentAs } from './wire.ts';

/** What clients put into one album. */
export const albumSize = 10;

/** Sends files to the bot, ten at a time, and shows each album from the first moment on. */
export async function sendAlbums(
  store: Store<PageState>,
  options: {
    readonly personId: number;
    readonly as: SentAs;
    readonly files: readonly File[];
    readonly caption: string;
  },
): Promise<void> {
  const { personId, files, caption } = options;
  const albums = sortIntoAlbums(files, options.as).map((album, index) => ({
    ...album,
    caption: index === 0 ? caption : '',
    sending: announce(personId, album, index === 0 ? caption : ''),
  }));
  store.set((state) => ({
    ...state,
    sending: [...state.sending, ...albums.map(({ sending }) => sending)],
  }));
  for (const { as, files: parts, sending, caption: words } of albums) {
    const update = (change: Partial<Sending>) => changeSending(store, sending.key, change);
    try {
      const ready = await Promise.all(
        parts.map(async (file) => {
          const blob = as === 'photo' ? (await compressPhoto(file)).blob : file;
          return { blob, name: file.name };
        }),
      );
      const [first] = parts;
      const durationSeconds =
        first === undefined || isAlbumKind(as) ? undefined : await measureDuration(first);
      const about = { caption: words, durationSeconds };
      const messages = await sendFiles(personId, as, ready, about, (progress) =>
        update({ progress }),
      );
      settle(store, sending, messages, as === 'photo' ? ready.map(({ blob }) => blob) : []);
    } catch {
      update({ hasFailed: true });
    } finally {
      for (const { url } of sending.previews) if (url !== undefined) URL.revokeObjectURL(url);
    }
  }
}

/**
 * Albums hold photos or files, never both; what the browser cannot open goes as a file. Sounds and videos go one
 * by one.
 */
export function sortIntoAlbums(
  files: readonly File[],
  as: SentAs,
): { readonly as: SentAs; readonly files: readonly File[] }[] {
  if (!isAlbumKind(as)) return files.map((file) => ({ as, files: [file] }));
  const photos = as === 'photo' ? files.filter(looksLikePhoto) : [];
  const others = files.filter((file) => !photos.includes(file));
  const split = (all: readonly File[], kind: 'photo' | 'file') =>
    Array.from({ length: Math.ceil(all.length / albumSize) }, (_, index) => ({
      as: kind,
      files: all.slice(index * albumSize, (index + 1) * albumSize),
    }));
  return [...split(photos, 'photo'), ...split(others, 'file')];
}

function announce(
  personId: number,
  { as, files }: { readonly as: SentAs; readonly files: readonly File[] },
  text: string,
): Sending {
  return {
    key: crypto.randomUUID(),
    personId,
    as,
    ...(text === '' ? {} : { text }),
    previews: files.map((file) => ({
      name: file.name,
      sizeBytes: file.size,
      ...(looksLikePhoto(file) ? { url: URL.createObjectURL(file) } : {}),
    })),
    progress: 0,
    hasFailed: false,
  };
}

/** Puts the messages into the chat at once, whenever the server's own news of them come. */
export function settle(
  store: Store<PageState>,
  { key, personId }: Sending,
  messages: readonly Message[],
  pictures: readonly Blob[] = [],
): void {
  const own = messages.flatMap(({ photo }, index) => {
    const fileId = photo?.at(-1)?.file_id;
    const picture = pictures[index];
    return fileId === undefined || picture === undefined
      ? []
      : [[fileId, URL.createObjectURL(picture)] as const];
  });
  store.set((state) => {
    const chat = state.chats[personId];
    return {
      ...state,
      sending: state.sending.filter((one) => one.key !== key),
      ownPictures: { ...state.ownPictures, ...Object.fromEntries(own) },
      chats:
        chat === undefined
          ? state.chats
          : {
              ...state.chats,
              [personId]: { ...chat, messages: mergeMessages(chat.messages, messages, []) },
            },
    };
  });
}

/** Changes one entry of what is on its way. */
export function changeSending(
  store: Store<PageState>,
  key: string,
  change: Partial<Sending>,
): void {
  store.set((state) => ({
    ...state,
    sending: state.sending.map((one) => (one.key === key ? { ...one, ...change } : one)),
  }));
}

/** Where a picture is shown from. */
export function pictureUrl(state: Pick<PageState, 'ownPictures'>, fileId: string): string {
  return state.ownPictures[fileId] ?? fileUrl(fileId);
}
