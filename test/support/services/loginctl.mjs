// `loginctl show-user UID --property=Linger --value`.
import { readWorld, recordCall } from './jobs.mjs';

const args = process.argv.slice(2);
recordCall('loginctl', args);
if (args[0] !== 'show-user' || args[2] !== '--property=Linger' || args[3] !== '--value') process.exit(1);
process.stdout.write(`${readWorld('lingers', false) ? 'yes' : 'no'}\n`);
