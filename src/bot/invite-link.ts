/** The payload of a person's own link, `https://t.me/<bot>?start=…`: at most 64 letters and digits. */
export function invitePayload(personId: number): string {
  return `ref${personId.toString(36)}`;
}

/** By whose link somebody came, from the text of their first message. */
export function inviterOf(text: string | undefined): number | undefined {
  const id = /^\/start(?:@\w+)?\s+ref([0-9a-z]{1,10})$/.exec(text ?? '')?.[1];
  return id === undefined ? undefined : Number.parseInt(id, 36);
}
