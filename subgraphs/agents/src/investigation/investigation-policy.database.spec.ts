import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it } from 'vitest';
import { AGENT_SCOPES } from '../agent/agent-registry.js';
import { alertOpened, ann, useDatabase } from '../testing/use-cases.js';
import { cancelInvestigation } from './cancel-investigation.js';
import { investigateOpenedAlerts } from './investigation-policy.js';
import { listInvestigationsOfAlerts } from './list-investigations.js';

const db = useDatabase();

describe('the investigation policy', () => {
  const ofAlert = (tenant: string, alertId: string) =>
    db.services.database.inTenant(tenant, (em) => listInvestigationsOfAlerts(em, [alertId]));

  it('investigates alerts from its severity on, as a service, and knows their trace', async () => {
    const [tenant, severe, mild] = [newId(), newId(), newId()];
    const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'HIGH');
    await handle([alertOpened(tenant, severe, 'CRITICAL', { traceparent }), alertOpened(tenant, mild, 'MEDIUM')]);
    expect(await ofAlert(tenant, severe)).toMatchObject([
      { requesterKind: 'service', requesterScopes: [...AGENT_SCOPES], alertTraceparent: traceparent },
    ]);
    expect(await ofAlert(tenant, mild)).toEqual([]);
  });

  it('handles a redelivered entry once, also when the first investigation has ended', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'HIGH');
    const opened = alertOpened(tenant, alertId, 'HIGH');
    await handle([opened]);
    const [first] = await ofAlert(tenant, alertId);
    await cancelInvestigation(db.services, ann(tenant), first?.id ?? '');
    await handle([opened]);
    expect(await ofAlert(tenant, alertId)).toHaveLength(1);
  });

  it('passes over other events, and buries what does not fit', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'LOW');
    await handle([alertOpened(tenant, alertId, 'HIGH', { type: 'alert.updated' })]);
    expect(await ofAlert(tenant, alertId)).toEqual([]);
    await expect(handle([alertOpened(tenant, alertId, 'URGENT')])).rejects.toMatchObject({ code: 'POISON_MESSAGE' });
    await expect(handle([alertOpened(tenant, 'no uuid', 'HIGH')])).rejects.toMatchObject({ code: 'POISON_MESSAGE' });
  });
});
