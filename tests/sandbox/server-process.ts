import { startBotApiServer } from '../../src/sandbox/bot-api-server.ts';
import { testToken } from '../support/sandbox.ts';

// A server as a process of its own, to be killed: keeps its world in the folder given.
const [dataDir = ''] = process.argv.slice(2);
const server = await startBotApiServer({ token: testToken, dataDir });
server.addUser({ id: 7, first_name: 'Ann' });
// What people do is kept at the end of the turn it happened in.
setImmediate(() => process.stdout.write(`listening at ${server.url}\n`));
