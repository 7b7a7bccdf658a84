import { lockDirectory } from '../../src/db/directory-lock.ts';

/** A process that holds the directory of its argument, or says that it cannot, and stays alive. */
try {
  await lockDirectory(process.argv[2] ?? '');
  console.log('held');
} catch (error) {
  console.log(String(error));
}
setInterval(() => undefined, 60_000);
