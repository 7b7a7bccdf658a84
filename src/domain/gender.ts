/** As a person told us; `unset` means they were asked and chose to skip. */
export type Gender = 'male' | 'female' | 'unset';

export const GENDERS = ['male', 'female', 'unset'] as const satisfies readonly Gender[];

/**
 * The first source that really says male or female, in order of precedence: this request, the person,
 * their newest training. An invalid or skipped value never hides a later valid one.
 */
export function resolveGender(sources: readonly (string | null | undefined)[]): Gender {
  for (const source of sources) {
    if (source === 'male' || source === 'female') return source;
  }
  return 'unset';
}

/** What the prompt says about the person in the picture. */
export function genderPhrase(gender: Gender): string {
  switch (gender) {
    case 'male':
      return 'handsome man, masculine features';
    case 'female':
      return 'beautiful woman, feminine features';
    case 'unset':
      return 'person';
  }
}
