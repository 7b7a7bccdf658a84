import { z } from 'zod';
import { BotApiError, badRequest } from '../http/bot-api-error.ts';
import { createFields, type Fields, type UploadedFile } from '../http/request-fields.ts';
import {
  createMedia,
  detectDocumentKind,
  type MediaKind,
  type MediaSource,
} from '../media/media-content.ts';
import { probeMp4, readImageSize } from '../media/media-probe.ts';
import { captionContent } from '../text/entities.ts';
import type { MessageContent } from '../world/chat-state.ts';
import type { FileKind } from '../world/file-store.ts';
import { type Call, type Methods, requireWritableChat } from './method.ts';
import { sendContent } from './send-content.ts';
import { readCaption } from './texts.ts';

const maxPhotoBytes = 10 * 1024 * 1024;
const maxUrlBytes = 20 * 1024 * 1024;
const maxPhotoSides = 10_000;
const maxPhotoRatio = 20;

const inputMedia = z.looseObject({
  type: z.enum(['animation', 'audio', 'document', 'photo', 'video']),
  media: z.string(),
});
const uncaptioned: readonly MediaKind[] = ['sticker', 'video_note'];
const albumKinds: readonly string[] = ['audio', 'document', 'photo', 'video'];

/** Sends one file under the argument named like its kind. */
function sendOne(kind: MediaKind) {
  return async (call: Call) => {
    const caption = uncaptioned.includes(kind) ? undefined : readCaption(call, call.fields);
    const media = await readMedia(call, kind, call.fields, kind);
    return sendContent(call, {
      ...media,
      ...(caption === undefined ? {} : captionContent(caption)),
      ...readMediaFlags(call.fields),
    });
  };
}

function readMediaFlags(fields: Fields): MessageContent {
  return {
    ...(fields.flag('has_spoiler') ? { has_media_spoiler: true as const } : {}),
    ...(fields.flag('show_caption_above_media') ? { show_caption_above_media: true as const } : {}),
  };
}

/** Reads an `InputMedia` with its caption. */
export async function readInputMedia(call: Call, value: unknown): Promise<MessageContent> {
  const parsed = inputMedia.safeParse(value);
  if (!parsed.success) throw badRequest("can't parse InputMedia");
  const item = createFields(parsed.data, call.fields.files);
  const caption = readCaption(call, item);
  const media = await readMedia(call, parsed.data.type, item, 'media');
  return { ...media, ...captionContent(caption), ...readMediaFlags(item) };
}

/** Finds the file an argument means: uploaded with the call, at a URL, or sent before. */
async function readMedia(
  call: Call,
  kind: MediaKind,
  fields: Fields,
  name: string,
): Promise<MessageContent> {
  const value = fields.text(name) ?? '';
  const upload = findUpload(fields, name);
  if (upload === undefined && value === '') throw badRequest(`there is no ${kind} in the request`);
  if (upload !== undefined) return storeUpload(call, kind, fields, upload, 'upload');
  if (value.startsWith('attach://')) throw badRequest('wrong file identifier/HTTP URL specified');
  if (/^https?:\/\//i.test(value)) {
    return storeUpload(call, kind, fields, await fetchUrl(value, call.signal), 'url');
  }
  return reuse(call, kind, value);
}

function findUpload(fields: Fields, name: string): UploadedFile | undefined {
  const reference = /^attach:\/\/(.+)$/.exec(fields.text(name) ?? '')?.[1];
  return fields.files.get(reference ?? name);
}

function reuse({ world }: Call, kind: MediaKind, fileId: string): MessageContent {
  const file = world.files.get(fileId);
  const content = world.files.content(fileId);
  if (file === undefined || content === undefined) {
    throw badRequest('wrong file identifier/HTTP URL specified');
  }
  // All that is stored as a document is sent again as what it was; photos and stickers are not.
  if (file.kind !== kind && !(isDocumentLike(file.kind) && isDocumentLike(kind))) {
    throw badRequest(`can't use file of type ${titleCase(file.kind)} as ${titleCase(kind)}`);
  }
  return content;
}

const isDocumentLike = (kind: FileKind) =>
  ['animation', 'audio', 'document', 'video', 'voice'].includes(kind);
const titleCase = (kind: string) => kind.charAt(0).toUpperCase() + kind.slice(1);

function storeUpload(
  { world }: Call,
  kind: MediaKind,
  fields: Fields,
  upload: UploadedFile,
  origin: 'upload' | 'url',
): MessageContent {
  const { bytes } = upload;
  if (bytes.byteLength === 0) throw badRequest('file must be non-empty');
  if (bytes.byteLength > world.limits.maxUploadBytes) {
    throw new BotApiError(413, 'Request Entity Too Large');
  }
  if (kind === 'photo') checkPhoto(bytes);
  const thumbnail = findUpload(fields, 'thumbnail')?.bytes;
  const isGenericType = upload.mimeType === 'application/octet-stream';
  const source: MediaSource = {
    data: bytes,
    fileName: upload.name === '' ? undefined : upload.name,
    // Clients that do not know the type say so; the server then goes by the file name.
    mimeType: isGenericType ? undefined : upload.mimeType,
    width: fields.integer('width') ?? fields.integer('length'),
    height: fields.integer('height') ?? fields.integer('length'),
    durationSeconds: fields.integer('duration'),
    title: fields.text('title'),
    performer: fields.text('performer'),
    thumbnail,
  };
  return createMedia(world.files, detectKind(kind, fields, bytes, origin), source);
}

function detectKind(
  kind: MediaKind,
  fields: Fields,
  bytes: Uint8Array,
  origin: 'upload' | 'url',
): MediaKind {
  if (kind === 'document' && !fields.flag('disable_content_type_detection')) {
    return detectDocumentKind(bytes);
  }
  // A video without sound stays a video only when it is uploaded by the bot itself.
  if (kind === 'video' && origin === 'url' && probeMp4(bytes)?.hasAudio === false) {
    return 'animation';
  }
  return kind;
}

function checkPhoto(bytes: Uint8Array): void {
  const size = readImageSize(bytes);
  if (size === undefined) throw badRequest('IMAGE_PROCESS_FAILED');
  if (bytes.byteLength > maxPhotoBytes) throw badRequest('file is too big');
  const { width, height } = size;
  const ratio = Math.max(width, height) / Math.max(1, Math.min(width, height));
  if (width + height > maxPhotoSides || ratio > maxPhotoRatio) {
    throw badRequest('PHOTO_INVALID_DIMENSIONS');
  }
}

async function fetchUrl(url: string, signal: AbortSignal): Promise<UploadedFile> {
  try {
    const response = await fetch(url, { signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.ok && bytes.byteLength <= maxUrlBytes) {
      const mimeType = response.headers.get('content-type')?.split(';')[0];
      return { name: new URL(url).pathname.split('/').at(-1) ?? '', bytes, mimeType };
    }
  } catch {
    // Said below.
  }
  throw badRequest('failed to get HTTP URL content');
}

function readAlbum(fields: Fields): unknown[] {
  const media = fields.json('media');
  if (media === undefined) throw badRequest('parameter "media" is required');
  if (!Array.isArray(media)) throw badRequest("can't parse media: must be an array");
  if (media.length === 0) throw badRequest('there are no messages to send');
  if (media.length > 10) throw badRequest('too many messages to send as an album');
  const kinds = new Set(media.map((item) => String((item as { type?: unknown } | null)?.type)));
  for (const kind of kinds) {
    if (!albumKinds.includes(kind)) {
      throw badRequest(`can't parse InputMedia: type "${kind}" can't be used in sendMediaGroup`);
    }
    if ((kind === 'document' || kind === 'audio') && kinds.size > 1) {
      throw badRequest(`${kind} can't be mixed with other media types`);
    }
  }
  return media;
}

/** Everything with a file in it. */
export const mediaMethods = {
  sendPhoto: sendOne('photo'),
  sendVideo: sendOne('video'),
  sendAnimation: sendOne('animation'),
  sendDocument: sendOne('document'),
  sendAudio: sendOne('audio'),
  sendVoice: sendOne('voice'),
  sendVideoNote: sendOne('video_note'),
  sendSticker: sendOne('sticker'),
  async sendMediaGroup(call) {
    const items = readAlbum(call.fields);
    requireWritableChat(call);
    const contents = await Promise.all(items.map((item) => readInputMedia(call, item)));
    const albumId = Date.now().toString() + Math.floor(Math.random() * 10_000);
    // A group of one is sent as a plain message.
    const group = contents.length === 1 ? {} : { media_group_id: albumId };
    return contents.map((content) => sendContent(call, { ...content, ...group }));
  },
  getFile({ world, fields }) {
    const file = world.files.get(fields.text('file_id') ?? '');
    if (file === undefined) throw badRequest('invalid file_id');
    if (file.sizeBytes > world.limits.maxDownloadBytes) throw badRequest('file is too big');
    return {
      file_id: file.fileId,
      file_unique_id: file.fileUniqueId,
      file_size: file.sizeBytes,
      file_path: file.path,
    };
  },
} satisfies Methods;
