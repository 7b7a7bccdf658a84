import { francAll } from 'franc-min';
import { splitText } from '../../domain/text-parts.ts';
import { resultFileKey } from '../keys.ts';
import { readText } from '../outputs.ts';
import { type OrderRow, readSteps } from '../rows.ts';
import { finishedOutputs, type ResultMaker, type ResultTools } from './result-maker.ts';

/** More than this is a file: nobody reads it in a chat. */
const MOST_MESSAGES = 3;

/** The words of an order, in one file. */
export const textResultKey = (orderId: string) => resultFileKey(orderId, 'text.txt');

/** Words, as messages, or as a file where they are many. */
export const text: ResultMaker = {
  async make(tools, order) {
    const words = await joinOutputs(tools, order);
    await tools.storage.write(textResultKey(order.id), Buffer.from(words));
  },

  async describe({ storage }, order) {
    if (!(await storage.exists(textResultKey(order.id)))) return undefined;
    const words = await readText(storage, textResultKey(order.id));
    const messages = splitText(words);
    const language = languageOf(words);
    return messages.length <= MOST_MESSAGES
      ? { kind: 'text', messages, path: null, language }
      : { kind: 'text', messages: [], path: storage.pathOf(textResultKey(order.id)), language };
  },
};

/** Told by the words alone: not every model that listens says what it heard. */
function languageOf(words: string): string | null {
  const [[code] = ['und']] = francAll(words);
  return code === 'und' ? null : code;
}

async function joinOutputs({ db, storage }: ResultTools, order: OrderRow): Promise<string> {
  const outputs = finishedOutputs(await readSteps(db, order.id));
  const texts = await Promise.all(outputs.map(({ outputKey }) => readText(storage, outputKey)));
  return texts.join('\n\n');
}
