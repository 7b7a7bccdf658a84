/**
 * Gives memory back at once, for bytes that nobody will read again: they are gone for every view of them. Left to
 * the collector, pictures would lie beside the next ones for a while, and make it run all the time.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
