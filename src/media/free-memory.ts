/**
 * Gives memory back at once, for bytes that nobody will read again: they are gone for every view of them. Left to
 * the collector, pictures would lie beside the next ones for a while, and make it run all the time. Small buffers
 * share their memory with others: nothing is done to them.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0);
}
