import { parentPort } from 'node:worker_threads';
import type { FacePair } from './landmarks.ts';
import { describePhoto, type Photo, type RgbPhoto } from './photo.ts';
import { type MorphPlan, planMorph } from './plan.ts';
import type { PlaneSize } from './plane.ts';
import { createFrameRenderer, type FrameRenderer, type MorphSource } from './render-frame.ts';
import { frameBytes } from './yuv.ts';

/** What a thread can be asked for; each task has its own kind of answer. */
export type DrawTask =
  | { readonly kind: 'describe'; readonly photo: RgbPhoto; readonly size: PlaneSize }
  | {
      readonly kind: 'plan';
      readonly from: Photo;
      readonly to: Photo;
      readonly size: PlaneSize;
      readonly pairs: readonly FacePair[];
    }
  | {
      readonly kind: 'draw';
      /** The same for all frames of a clip: what a clip needs is made once in each thread. */
      readonly clip: number;
      readonly source: MorphSource;
      readonly time: number;
    };

export interface DrawAnswers {
  readonly describe: Photo;
  readonly plan: MorphPlan;
  readonly draw: Uint8Array<ArrayBuffer>;
}

export type DrawReply =
  | { readonly answer: DrawAnswers[DrawTask['kind']] }
  | { readonly error: string };

let renderer: { readonly clip: number; readonly draw: FrameRenderer } | undefined;

parentPort?.on('message', (task: DrawTask) => {
  try {
    const answer = perform(task);
    const transfer = task.kind === 'draw' && 'buffer' in answer ? [answer.buffer] : [];
    reply({ answer }, transfer);
  } catch (error) {
    reply({ error: error instanceof Error ? (error.stack ?? error.message) : `${error}` });
  }
});

function perform(task: DrawTask): DrawAnswers[DrawTask['kind']] {
  switch (task.kind) {
    case 'describe':
      return describePhoto(task.photo, task.size);
    case 'plan':
      return planMorph(task.from, task.to, task.size, task.pairs);
    case 'draw': {
      const { clip, source, time } = task;
      if (renderer?.clip !== clip) {
        renderer = { clip, draw: createFrameRenderer(source) };
        // Pictures that threads share are nobody's garbage until each of them has looked, and count for none.
        globalThis.gc?.();
      }
      const frame = new Uint8ClampedArray(frameBytes(source.size));
      renderer.draw(time, frame);
      return new Uint8Array(frame.buffer);
    }
  }
}

function reply(message: DrawReply, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}
