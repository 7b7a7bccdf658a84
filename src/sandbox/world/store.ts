/** Records by key, in the order their keys were first set. A `Map` is one. */
export interface Table<V> {
  readonly size: number;
  get(key: string): V | undefined;
  /** A record changed in place has to be set again. */
  set(key: string, value: V): unknown;
  delete(key: string): boolean;
  clear(): void;
  values(): IteratorObject<V, undefined>;
  entries(): IteratorObject<[string, V], undefined>;
}

/** Where a world keeps all it knows. */
export interface Store {
  /** The table of this name, to be asked for once; its records survive JSON. */
  table<V>(name: string): Table<V>;
  /** Keeps bytes under a path of plain names separated by slashes. */
  writeBytes(path: string, bytes: Uint8Array): void;
  readBytes(path: string): Uint8Array | undefined;
  removeBytes(path: string): void;
  /** Makes sure that everything set so far outlives this process. */
  flush(): void;
  close(): void;
}

/** A store that forgets everything with its process. */
export function createMemoryStore(): Store {
  const bytesByPath = new Map<string, Uint8Array>();
  return {
    table: <V>() => new Map<string, V>(),
    writeBytes: (path, bytes) => void bytesByPath.set(path, bytes),
    readBytes: (path) => bytesByPath.get(path),
    removeBytes: (path) => void bytesByPath.delete(path),
    flush: () => {},
    close: () => {},
  };
}
