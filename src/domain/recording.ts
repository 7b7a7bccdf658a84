/** Why a recording cannot be used; each has its words. */
export type RecordingRefusal =
  | 'not_a_recording'
  | 'no_sound'
  | 'broken_recording'
  | 'too_long'
  | 'file_too_big'
  | 'download_failed';
