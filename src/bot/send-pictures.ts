import { type Api, InputFile } from 'grammy';

/** Telegram takes 2 to 10 pictures in one album. */
const ALBUM_SIZE = 10;

/** Sends pictures from disk in as few messages as possible, the caption under the first. */
export async function sendPictures(
  api: Pick<Api, 'sendPhoto' | 'sendMediaGroup'>,
  chatId: number,
  paths: readonly string[],
  caption: string,
): Promise<void> {
  for (const [index, album] of splitAlbums(paths).entries()) {
    const [first, ...others] = album;
    if (first === undefined) continue;
    const words = index === 0 ? { caption } : {};
    if (others.length === 0) {
      await api.sendPhoto(chatId, new InputFile(first), words);
      continue;
    }
    const photo = (path: string) => ({ type: 'photo' as const, media: new InputFile(path) });
    await api.sendMediaGroup(chatId, [{ ...photo(first), ...words }, ...others.map(photo)]);
  }
}

/** Albums of two to ten; a single picture only where there is no other way. */
export function splitAlbums(paths: readonly string[]): string[][] {
  const albums: string[][] = [];
  let rest = [...paths];
  while (rest.length > 0) {
    const size = rest.length === ALBUM_SIZE + 1 ? ALBUM_SIZE - 1 : ALBUM_SIZE;
    albums.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return albums;
}
