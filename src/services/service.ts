import type { z } from 'zod';
import type { Canvas } from '../domain/canvas.ts';
import type { Stars, Tariff } from '../domain/stars.ts';
import type { VideoModel } from './video-models.ts';

/** What prices and requests depend on beside the input: the operator's tariff and chosen model. */
export interface Terms {
  readonly tariff: Tariff;
  readonly model: VideoModel;
}

/** A step as sold: its price is what its failure refunds. Positions of photos count from 0. */
export interface PlannedStep {
  readonly from: number;
  readonly to: number;
  /** Length of the clip, in seconds. */
  readonly seconds: number;
  readonly price: Stars;
  readonly cost: Stars;
}

/** What a step sends to its model: plain fields, and fields that hold a picture (path of a JPEG). */
export interface StepRequest {
  readonly model: string;
  readonly input: Readonly<Record<string, string | number | boolean>>;
  readonly files: Readonly<Record<string, string>>;
}

/** The pictures of a step, on the order's canvas. */
export interface StepFiles {
  readonly from: string;
  readonly to: string;
  readonly canvas: Canvas;
}

/**
 * Something sold, declared purely. Everything hard (money, queue, retries, resume, progress,
 * delivery) is written once, in `orders`, and works for whatever is declared here.
 */
export interface Service<Input> {
  /** Also the ledger's `service_type`. */
  readonly id: string;
  readonly input: z.ZodType<Input>;
  /** The steps of an order; its price is their sum. */
  plan(input: Input, terms: Terms): PlannedStep[];
  request(input: Input, files: StepFiles, model: VideoModel): StepRequest;
  /** What the outputs of the steps become. */
  readonly finish: 'stitched_video';
}
