/** A process that erases one tenant's rows from the domain alerts, to be killed in the middle. */
import { readFileSync } from 'node:fs';
import { Database } from '@aurorasoc/kit/database';
import { eraseRows } from '@aurorasoc/kit/erasure';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';

const [url = '', secretFile = '', tenant = ''] = process.argv.slice(2);
const database = await Database.open({
  domain: 'alerts',
  role: 'eraser',
  url,
  secret: readFileSync(secretFile),
  entities: [],
  log: createLog('eraser', 'silent'),
  health: new Health('eraser'),
});
await eraseRows(database, tenant, new AbortController().signal);
await database.close();
