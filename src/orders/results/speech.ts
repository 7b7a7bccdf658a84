import { resultFileKey } from '../keys.ts';
import { readSteps } from '../rows.ts';
import { finishedOutputs, type ResultMaker } from './result-maker.ts';

const mp3Key = (orderId: string) => resultFileKey(orderId, 'speech.mp3');
const voiceKey = (orderId: string) => resultFileKey(orderId, 'voice.ogg');

/** Speech: a voice message, and an MP3 to keep. */
export const speech: ResultMaker = {
  async make({ db, storage, sounds }, order, signal) {
    const [output] = finishedOutputs(await readSteps(db, order.id));
    if (!output) throw new Error(`Order ${order.id} has no finished speech`);
    const input = storage.pathOf(output.outputKey);
    await sounds.toMp3({ input, output: storage.pathOf(mp3Key(order.id)), signal });
    await sounds.toVoice({ input, output: storage.pathOf(voiceKey(order.id)), signal });
  },

  async describe({ storage, sounds }, order, signal) {
    const keys = [mp3Key(order.id), voiceKey(order.id)];
    for (const key of keys) if (!(await storage.exists(key))) return undefined;
    const [mp3Path = '', voicePath = ''] = keys.map((key) => storage.pathOf(key));
    const { durationSeconds } = await sounds.checkSound(mp3Path, signal);
    return { kind: 'speech', mp3Path, voicePath, durationSeconds };
  },
};
