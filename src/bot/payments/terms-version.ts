/**
 * The version of the terms in `locales/`. Raise it when what they promise changes: everybody is then
 * asked to accept them again, before their next payment.
 */
export const TERMS_VERSION = '3';
