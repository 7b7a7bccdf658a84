/** A model's name in its parts; its API route is made of them. */
export interface ModelId {
  readonly owner: string;
  readonly name: string;
  readonly version?: string;
}

/** Reads `owner/name` or `owner/name:version`; undefined when it is neither. */
export function parseModelId(model: string): ModelId | undefined {
  const [, owner, name, version] = /^([\w.-]+)\/([\w.-]+)(?::(\w+))?$/.exec(model) ?? [];
  // A part of dots alone would lead to another route.
  if (!owner || !name || /^\.+$/.test(owner) || /^\.+$/.test(name)) return undefined;
  return { owner, name, ...(version ? { version } : {}) };
}

/** The API's route to a model, or to one of its versions. */
export function modelRoute({ owner, name, version }: ModelId): string {
  const model = `/models/${owner}/${name}`;
  return version === undefined ? model : `${model}/versions/${version}`;
}
