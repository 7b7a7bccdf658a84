import { extname } from 'node:path';
import type {
  Animation,
  Audio,
  Document,
  PhotoSize,
  Sticker,
  Video,
  VideoNote,
  Voice,
} from 'grammy/types';
import type { FileKind, FileStore, NewFile, StoredFile } from '../world/file-store.ts';
import { type Dimensions, isGif, probeMp4, readImageSize } from './media-probe.ts';

/** A file to be sent and what its sender says about it. */
export interface MediaSource {
  readonly data: Uint8Array | { sizeBytes: number };
  readonly fileName?: string | undefined;
  readonly mimeType?: string | undefined;
  readonly fileUniqueId?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly durationSeconds?: number | undefined;
  readonly title?: string | undefined;
  readonly performer?: string | undefined;
  readonly thumbnail?: Uint8Array | undefined;
}

/** The part of a message that holds its media. */
export type MediaContent =
  | { photo: PhotoSize[] }
  | { video: Video }
  | { animation: Animation; document: Document }
  | { document: Document }
  | { audio: Audio }
  | { voice: Voice }
  | { video_note: VideoNote }
  | { sticker: Sticker };

/** Kinds of media a message can be made of. */
export type MediaKind = Exclude<FileKind, 'thumbnail'>;

const thumbnailSides = [90, 320, 800];
/**
 * What the small sizes of a photo hold. Scaling needs an image library, and a bot that downloads a
 * thumbnail instead of the photo shall notice.
 */
const placeholderJpeg = Buffer.from(
  '/9j/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z',
  'base64',
);
const unknownSize: Dimensions = { width: 1280, height: 720 };
const mimeTypes: Readonly<Record<string, string>> = {
  '.gif': 'image/gif',
  '.heic': 'image/heic',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.mov': 'video/quicktime',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.ogg': 'audio/ogg',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.zip': 'application/zip',
};

/** Stores a file and makes the part of a message that shows it. */
export function createMedia(files: FileStore, kind: MediaKind, source: MediaSource): MediaContent {
  const content = build(files, kind, source);
  for (const fileId of fileIdsOf(content)) files.describe(fileId, content);
  return content;
}

/** What the server makes of a document whose type it may detect by itself. */
export function detectDocumentKind(bytes: Uint8Array): 'document' | 'video' | 'animation' {
  if (isGif(bytes)) return 'animation';
  const video = probeMp4(bytes);
  if (video === undefined) return 'document';
  return video.hasAudio ? 'video' : 'animation';
}

function fileIdsOf(content: MediaContent): string[] {
  if ('photo' in content) return content.photo.map((size) => size.file_id);
  return Object.values(content).map((media) => media.file_id);
}

function build(files: FileStore, kind: MediaKind, source: MediaSource): MediaContent {
  switch (kind) {
    case 'photo':
      return { photo: createPhotoSizes(files, source) };
    case 'video':
      return { video: createVideo(files, 'video', source) };
    case 'animation': {
      const animation = createVideo(files, 'animation', source);
      const { width: _width, height: _height, duration: _duration, ...document } = animation;
      return { animation, document };
    }
    case 'document': {
      const file = addFile(files, kind, source, '');
      return { document: { ...describe(file, source), ...createThumbnail(files, source) } };
    }
    case 'audio': {
      const file = addFile(files, kind, source, '.mp3');
      const { title, performer, durationSeconds = 0 } = source;
      return {
        audio: {
          ...describe(file, source),
          ...createThumbnail(files, source),
          duration: durationSeconds,
          ...(title === undefined ? {} : { title }),
          ...(performer === undefined ? {} : { performer }),
        },
      };
    }
    case 'voice': {
      const file = addFile(files, kind, source, '.ogg');
      const duration = source.durationSeconds ?? 0;
      return { voice: { ...describe(file, { ...source, fileName: undefined }), duration } };
    }
    case 'video_note': {
      const video = createVideo(files, kind, source);
      const { file_id, file_unique_id, file_size, width, duration, thumbnail } = video;
      return {
        video_note: {
          file_id,
          file_unique_id,
          ...(file_size === undefined ? {} : { file_size }),
          ...(thumbnail === undefined ? {} : { thumbnail }),
          length: width,
          duration,
        },
      };
    }
    case 'sticker': {
      const file = addFile(files, kind, source, '.webp');
      const { file_id, file_unique_id, file_size } = describe(file, source);
      return {
        sticker: {
          file_id,
          file_unique_id,
          file_size,
          type: 'regular',
          width: source.width ?? 512,
          height: source.height ?? 512,
          is_animated: false,
          is_video: false,
          emoji: '🙂',
        },
      };
    }
  }
}

function createPhotoSizes(files: FileStore, source: MediaSource): PhotoSize[] {
  const { width, height } = sizeOf(source);
  const longSide = Math.max(width, height);
  const small = thumbnailSides
    .filter((side) => side < longSide)
    .map((side) => {
      const scale = side / longSide;
      return createSize(files, 'photo', placeholderJpeg, {
        width: Math.max(1, Math.round(width * scale)),
        height: Math.max(1, Math.round(height * scale)),
      });
    });
  const file = addFile(
    files,
    'photo',
    { ...source, fileName: undefined, mimeType: 'image/jpeg' },
    '.jpg',
  );
  const { file_id, file_unique_id, file_size } = describe(file, source);
  return [...small, { file_id, file_unique_id, file_size, width, height }];
}

function createSize(
  files: FileStore,
  kind: 'photo' | 'thumbnail',
  data: Uint8Array,
  { width, height }: Dimensions,
): PhotoSize {
  const file = files.add({ kind, data, extension: '.jpg', mimeType: 'image/jpeg' });
  const { fileId, fileUniqueId, sizeBytes } = file;
  return { file_id: fileId, file_unique_id: fileUniqueId, file_size: sizeBytes, width, height };
}

function createVideo(
  files: FileStore,
  kind: 'video' | 'animation' | 'video_note',
  source: MediaSource,
): Video & Animation {
  const file = addFile(files, kind, source, '.mp4');
  const facts = source.data instanceof Uint8Array ? probeMp4(source.data) : undefined;
  const { width, height } = sizeOf(source);
  return {
    ...describe(file, { ...source, mimeType: file.mimeType ?? 'video/mp4' }),
    ...createThumbnail(files, source),
    width,
    height,
    duration: source.durationSeconds ?? facts?.durationSeconds ?? 0,
  };
}

/** What the sender says comes first, as on the real server; then what the headers say. */
function sizeOf({ data, width, height }: MediaSource): Dimensions {
  if (width !== undefined && height !== undefined) return { width, height };
  if (!(data instanceof Uint8Array)) return unknownSize;
  const { width: foundWidth, height: foundHeight } =
    readImageSize(data) ?? probeMp4(data) ?? unknownSize;
  return { width: foundWidth, height: foundHeight };
}

function addFile(
  files: FileStore,
  kind: MediaKind,
  { data, fileName, mimeType, fileUniqueId }: MediaSource,
  defaultExtension: string,
): StoredFile {
  const extension = extname(fileName ?? '').toLowerCase() || defaultExtension;
  const file: NewFile = {
    kind,
    data,
    extension: /^\.\w+$/.test(extension) ? extension : defaultExtension,
    mimeType: mimeType ?? mimeTypes[extension],
    fileUniqueId,
  };
  return files.add(file);
}

function describe(file: StoredFile, { fileName, mimeType }: MediaSource) {
  const type = mimeType ?? file.mimeType;
  return {
    file_id: file.fileId,
    file_unique_id: file.fileUniqueId,
    file_size: file.sizeBytes,
    ...(fileName === undefined ? {} : { file_name: fileName }),
    ...(type === undefined ? {} : { mime_type: type }),
  };
}

function createThumbnail(files: FileStore, { thumbnail }: MediaSource): { thumbnail?: PhotoSize } {
  if (thumbnail === undefined) return {};
  const size = readImageSize(thumbnail) ?? { width: 320, height: 320 };
  return { thumbnail: createSize(files, 'thumbnail', thumbnail, size) };
}
