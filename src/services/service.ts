import type { z } from 'zod';
import type { Canvas, CanvasShape } from '../domain/canvas.ts';
import type { Gender } from '../domain/gender.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import type { Stars, Tariff } from '../domain/stars.ts';
import type { Model } from './model.ts';

/** What prices and offers depend on beside the input. */
export interface Terms {
  readonly tariff: Tariff;
  /** The catalogue id of the model that the operator chose for morphs. */
  readonly morphModel: string;
  /** Whether a model can be used now: its provider is configured and its schema has not drifted away. */
  isOffered(modelId: string): boolean;
}

/** A value of a model's field. */
export type FieldValue = string | number | boolean | readonly string[];
export type Fields = Readonly<Record<string, FieldValue>>;

/** A step as sold: its price is what its failure refunds. */
export interface PlannedStep {
  /** The photos it is made from, by their position in the order, counted from 0. */
  readonly photos: readonly number[];
  /** Length of what comes out, in seconds; 0 where it has none. */
  readonly seconds: number;
  readonly price: Stars;
  readonly cost: Stars;
}

/** What a step sends to its model: plain fields, and fields that hold files (absolute paths). */
export interface StepRequest {
  readonly model: string;
  readonly input: Fields;
  readonly files: Readonly<Record<string, string | readonly string[]>>;
}

/** What a request is made of, beside the person's input. */
export interface StepMaterial {
  /** The position of the step in its order, counted from 0. */
  readonly position: number;
  /** The id of the model that the order was quoted with. */
  readonly model: string;
  /** JPEGs of the step's photos, in its order: absolute paths. */
  readonly photos: readonly string[];
  /** The size of the photos, where they were brought to a canvas. */
  readonly canvas?: Canvas;
  /** The recording, as a file that speech models read: absolute path. */
  readonly recording?: string;
  /** All photos of the order in one ZIP: absolute path. Made only for a service with `photos.form` of `archive`. */
  readonly archive?: string;
  /**
   * A number of the step's own (0 to 2³¹ − 1), the same at each of its attempts: with it the same wish, ordered
   * again, gives another picture. Unset: the position stands for it.
   */
  readonly seed?: number;
}

/** One answer of a choice. */
export interface Option {
  /** Short and plain (`[\w.-]`, up to 24 characters): it travels in callback data. */
  readonly value: string;
  /** Shown beside the option, where the choice decides the price. */
  readonly price?: Stars;
  /** The option's own name, where it is the same in every language; else its words are in `locales`. */
  readonly label?: string;
}

/**
 * What a person is asked, in this order. Each answer becomes a field of the input, under `field`; a question
 * whose answer is known is not asked. The words are `services.<id>.ask.<field>` in `locales`.
 */
export type Question =
  /** Field `gender`. `always`: asked for each order, since it is somebody else's picture. */
  | { readonly kind: 'gender'; readonly field: 'gender'; readonly always: boolean }
  /**
   * Field `photoCount`. One photo (max 1) is taken as it comes, and the last one counts; several are counted until
   * Done. `form`: brought to one canvas; left in their own shape (`upright`); or packed into one ZIP (`archive`).
   */
  | {
      readonly kind: 'photos';
      readonly field: 'photoCount';
      readonly min: number;
      /** `all`: as many as the operator allows. */
      readonly max: number | 'all';
      readonly form: 'canvas' | 'upright' | 'archive';
      /** `one`: each should show one face, and who sends others is warned. `any`, unset: it is all the same. */
      readonly faces?: 'one' | 'any';
      /** The shapes that a canvas may have; all of them when unset. */
      shapes?(terms: Terms): readonly [CanvasShape, ...CanvasShape[]];
    }
  /** Field `seconds`: a voice message, audio, video or video note, and its length, rounded up. */
  | {
      readonly kind: 'recording';
      readonly field: 'seconds';
      readonly maxSeconds: number;
    }
  /** `presets`: texts to choose from in place of writing one; words in `services.<id>.presets.<field>.<preset>`. */
  | {
      readonly kind: 'text';
      readonly field: string;
      readonly minLength: number;
      readonly maxLength: number;
      /** Several messages are one text, while the order is open. */
      readonly long?: boolean;
      readonly presets?: readonly { readonly value: string; readonly text: string }[];
    }
  /** Words of an option without a label: `services.<id>.options.<field>.<value>`. */
  | {
      readonly kind: 'choice';
      readonly field: string;
      options(terms: Terms, answers: Readonly<Record<string, unknown>>): readonly Option[];
    }
  /** Field `avatar`: one of the person's trained avatars, as an {@link AvatarRef}. */
  | { readonly kind: 'avatar'; readonly field: 'avatar' };

/** A trained avatar inside an input. */
export interface AvatarRef {
  readonly id: number;
  readonly name: string;
  /** `owner/name:version` of the private model. */
  readonly model: string;
  readonly triggerWord: string;
  readonly gender: Gender;
}

/**
 * What the outputs of the steps become:
 * - `stitched_video`: clips joined into one video;
 * - `video`: the one clip as it is;
 * - `images`: each step's picture, shown and as a file;
 * - `text`: words, as messages or a file when long;
 * - `speech`: a voice message and an MP3;
 * - `trained_model`: an avatar of the person's own.
 */
export type FinishKind =
  | 'stitched_video'
  | 'video'
  | 'images'
  | 'text'
  | 'speech'
  | 'trained_model';

/**
 * Something sold, declared purely. Everything hard (money, queue, retries, resume, progress,
 * delivery) is written once, in `orders`, and works for whatever is declared here.
 */
export interface Service<Input = unknown> {
  /** Also the ledger's `service_type`, and the command that begins it. */
  readonly id: string;
  /** Where the menu shows it. */
  readonly group: 'video' | 'photo' | 'voice';
  /** The whole input: the answers, under the fields of the questions; `gender` where one is asked or known. */
  readonly input: z.ZodType<Input>;
  readonly questions: readonly Question[];
  /** The ways it may be made; the chosen one becomes the input's `mode`. Unset: one way. */
  readonly modes?: readonly OrderMode[];
  /** Every model it can be rendered with. */
  readonly models: readonly Model[];
  /** The id of the model for this input; undefined when none can be used now. */
  model(input: Input, terms: Terms): string | undefined;
  /** The steps of an order; its price is their sum. `model` is that of `model(input, terms)`. */
  plan(input: Input, terms: Terms, model: string): PlannedStep[];
  request(input: Input, material: StepMaterial): StepRequest;
  readonly finish: FinishKind;
  /** Of a service that trains models: the word that stands for what was learnt, in every prompt. */
  readonly triggerWord?: string;
  /**
   * Inputs that show what it costs and sends: the cheapest first, and at least one for each model it can use.
   * The menu's "from" price, the check of live schemas and the tests are made from them.
   */
  examples(terms: Terms): readonly Input[];
  /**
   * Values for the service's words that are no plain answers (`minutes`, `seconds`; `count` chooses the plural
   * form). The answers themselves are filled in under their fields: a choice by its words, an avatar by its name.
   */
  figures?(input: Input): Readonly<Record<string, string | number>>;
  /** Of a service that writes: those whose first text its words may become. They are shown to be copied by a tap. */
  readonly writesFor?: readonly string[];
  /** Fields that "again" buttons under a result let the person change; all other answers are kept. */
  readonly again: readonly string[];
}
