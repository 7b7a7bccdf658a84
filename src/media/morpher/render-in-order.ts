/**
 * The frames of a clip in their order, drawn `ahead` at a time.
 * @param onFailure told before the frames end with an error: whoever reads them may hide its reason.
 */
export async function* renderInOrder(
  draw: (index: number) => Promise<Uint8Array>,
  count: number,
  ahead: number,
  onFailure: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const pending: Promise<Uint8Array>[] = [];
  let next = 0;
  const drawNext = () => {
    const frame = draw(next);
    next += 1;
    // The frames before it are waited for first: until then its failure has no listener.
    frame.catch(() => {});
    pending.push(frame);
  };
  while (next < Math.min(ahead, count)) drawNext();
  try {
    for (let frame = pending.shift(); frame; frame = pending.shift()) {
      const drawn = await frame;
      if (next < count) drawNext();
      yield drawn;
    }
  } catch (error) {
    onFailure(error);
    throw error;
  }
}
