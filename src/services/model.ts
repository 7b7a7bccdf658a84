/** Who can render. */
export type ProviderName = 'replicate' | 'local' | 'bfl';

/** What the scheduler needs to know of a model, whatever it makes. */
export interface Model {
  /** `owner/name`, or `owner/name:version` where the model has no route of its own. */
  readonly id: string;
  /** `replicate` when unset. */
  readonly provider?: ProviderName;
  /** What one step usually takes, in seconds, until we have measured it ourselves. */
  readonly typicalSeconds: number;
  /** How many times the usual time an attempt may take: 1 by default, more where models are trained. */
  readonly patience?: number;
  /** The day the price was last compared with the model's page; its API tells no prices. */
  readonly priceCheckedAt: string;
}
