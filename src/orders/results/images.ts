import { imageInfoSchema } from '../../media/images.ts';
import { resultFileKey } from '../keys.ts';
import { readSteps } from '../rows.ts';
import { finishedOutputs, type ResultMaker } from './result-maker.ts';

const EXTENSIONS = { jpeg: 'jpg', png: 'png', webp: 'webp' } as const;

const shownKey = (orderId: string, position: number) =>
  resultFileKey(orderId, `shown-${position}.jpg`);

/** Pictures: each as a photo of the chat, and as the file that the model gave. */
export const images: ResultMaker = {
  async make({ db, storage, images: tool }, order, signal) {
    for (const { outputKey, position } of finishedOutputs(await readSteps(db, order.id))) {
      signal.throwIfAborted();
      const output = storage.pathOf(shownKey(order.id, position));
      await tool.toChatPhoto({ input: storage.pathOf(outputKey), output });
    }
  },

  async describe({ db, storage }, order) {
    const made = finishedOutputs(await readSteps(db, order.id));
    for (const { outputKey, position } of made) {
      const keys = [outputKey, shownKey(order.id, position)];
      for (const key of keys) if (!(await storage.exists(key))) return undefined;
    }
    return {
      kind: 'images',
      images: made.map(({ outputKey, position, outputInfo }) => ({
        shown: storage.pathOf(shownKey(order.id, position)),
        original: storage.pathOf(outputKey),
        extension: EXTENSIONS[imageInfoSchema.parse(outputInfo).format],
      })),
    };
  },
};
