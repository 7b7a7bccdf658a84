import type { Db, Tx } from '../../db/database.ts';
import type { Images } from '../../media/images.ts';
import type { Morpher } from '../../media/morpher/morpher.ts';
import type { Sounds } from '../../media/sounds.ts';
import type { Storage } from '../../media/storage.ts';
import type { Video } from '../../media/video.ts';
import type { Service } from '../../services/service.ts';
import type { Result, ResultAbout } from '../chat-port.ts';
import type { OrderRow, StepRow } from '../rows.ts';

/** What results are made with. */
export interface ResultTools {
  readonly db: Db;
  readonly storage: Storage;
  readonly video: Video;
  readonly images: Images;
  readonly sounds: Sounds;
  readonly morpher: Pick<Morpher, 'morph'>;
  readonly log: { warn(fields: object, message: string): void };
  /** What the chat takes in one upload, in bytes. */
  readonly uploadLimitBytes: number;
}

/** The part of a result that is its own. */
export type ResultBody<R extends Result = Result> = R extends Result
  ? Omit<R, keyof ResultAbout>
  : never;

/** How the outputs of an order's steps become its result, and what is then to be sent. */
export interface ResultMaker {
  /** Writes the files of the result, each whole and over what was there: a killed run is simply repeated. */
  make(tools: ResultTools, order: OrderRow, signal: AbortSignal): Promise<void>;
  /** What else changes with the result, in the transaction that hands it over. */
  settle?(tx: Tx, order: OrderRow, service: Service): Promise<void>;
  /** What is to be sent; undefined when its files are gone, and will not come back. */
  describe(
    tools: ResultTools,
    order: OrderRow,
    signal: AbortSignal,
  ): Promise<ResultBody | undefined>;
}

/** The outputs of an order that have a file, in their order. */
export function finishedOutputs(
  all: readonly StepRow[],
): readonly (StepRow & { outputKey: string })[] {
  return all.flatMap((step) =>
    step.state === 'done' && step.outputKey ? [{ ...step, outputKey: step.outputKey }] : [],
  );
}
