/**
 * Why a prediction did not happen, in our words. Providers map their answers to these;
 * their own text is never shown to a person.
 */
export type FailureKind =
  | 'timeout'
  | 'network'
  | 'rate_limit'
  | 'provider_error'
  | 'out_of_credit'
  | 'unauthorized'
  | 'moderation'
  | 'bad_input'
  | 'output_lost'
  | 'nothing_said';

/** A failed attempt. `ambiguous`: the request may have been accepted, so look before asking again. */
export interface Failure {
  readonly kind: FailureKind;
  /** How long the provider asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly ambiguous?: boolean;
}

/**
 * Who may try again:
 * - `attempt`: a new prediction, which counts as one of the three attempts;
 * - `wait`: nothing was rendered and nothing counted; ask again later, for as long as it takes
 *   (a rate limit, or the operator has to act: credit, token);
 * - `never`: the same photos or words would fail the same way; a silent recording says nothing to anybody.
 */
export type RetryPolicy = 'attempt' | 'wait' | 'never';

/** The retry policy of each kind of failure. */
export function retryPolicy(kind: FailureKind): RetryPolicy {
  switch (kind) {
    case 'timeout':
    case 'network':
    case 'provider_error':
    case 'output_lost':
      return 'attempt';
    case 'rate_limit':
    case 'out_of_credit':
    case 'unauthorized':
      return 'wait';
    case 'moderation':
    case 'bad_input':
    case 'nothing_said':
      return 'never';
  }
}
