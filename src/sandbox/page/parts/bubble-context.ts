import type { Actions } from '../actions.ts';
import type { Language } from '../wire.ts';
import type { Words } from '../words.ts';

/** What every part of a bubble may need. */
export interface BubbleContext {
  readonly words: Words;
  readonly language: Language;
  readonly act: Actions;
  readonly ownPictures: Readonly<Record<string, string>>;
  readonly botName: string;
}
