/** Tries to take the lock in the folder it is given, says whether it did, and lives until its standard input ends. */
import { tryLock } from '../data-folder/lock.js';

process.stdin.once('data', () => {
  console.log(tryLock(process.argv[2] ?? '').acquired);
});
process.stdin.once('end', () => process.exit(0));
console.log('ready');
