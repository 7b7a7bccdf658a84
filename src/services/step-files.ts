/** @throws Error when the engine did not bring the file that the service asks for. */
export function requireFile(path: string | undefined, what: string): string {
  if (path === undefined) throw new Error(`The step was given no ${what}`);
  return path;
}
