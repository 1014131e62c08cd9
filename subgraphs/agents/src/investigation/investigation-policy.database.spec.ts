import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it } from 'vitest';
import { AGENT_SCOPES } from '../agent/agent-registry.js';
import { ann, useDatabase } from '../testing/use-cases.js';
import { cancelInvestigation } from './cancel-investigation.js';
import { investigateOpenedAlerts } from './investigation-policy.js';
import { listInvestigationsOfAlerts } from './list-investigations.js';
import { MAX_UNFINISHED } from './start-investigation.js';

const db = useDatabase();
const { started } = db;

describe('the investigation policy', () => {
  const entry = (tenant: string, alertId: string, severity: string, more: Record<string, string> = {}) => {
    const body = JSON.stringify({
      time: new Date().toISOString(),
      actor: { kind: 'service', id: 's' },
      data: { severity, title: 't' },
    });
    const fields = new Map(
      Object.entries({ id: newId(), type: 'alert.opened', subject: alertId, tenant, body, ...more }),
    );
    return { stream: 's', entryId: '1-0', messageId: fields.get('id') ?? '', tenant, fields };
  };
  const ofAlert = (tenant: string, alertId: string) =>
    db.services.database.inTenant(tenant, (em) => listInvestigationsOfAlerts(em, [alertId]));

  it('investigates alerts from its severity on, as a service, and knows their trace', async () => {
    const [tenant, severe, mild] = [newId(), newId(), newId()];
    const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'HIGH');
    await handle([entry(tenant, severe, 'CRITICAL', { traceparent }), entry(tenant, mild, 'MEDIUM')]);
    expect(await ofAlert(tenant, severe)).toMatchObject([
      { requesterKind: 'service', requesterScopes: [...AGENT_SCOPES], alertTraceparent: traceparent },
    ]);
    expect(await ofAlert(tenant, mild)).toEqual([]);
  });

  it('handles a redelivered entry once, also when the first investigation has ended', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'HIGH');
    const opened = entry(tenant, alertId, 'HIGH');
    await handle([opened]);
    const [first] = await ofAlert(tenant, alertId);
    await cancelInvestigation(db.services, ann(tenant), first?.id ?? '');
    await handle([opened]);
    expect(await ofAlert(tenant, alertId)).toHaveLength(1);
  });

  it('passes over other events, and buries what does not fit', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'LOW');
    await handle([entry(tenant, alertId, 'HIGH', { type: 'alert.updated' })]);
    expect(await ofAlert(tenant, alertId)).toEqual([]);
    await expect(handle([entry(tenant, alertId, 'URGENT')])).rejects.toMatchObject({ code: 'POISON_MESSAGE' });
    await expect(handle([entry(tenant, 'no uuid', 'HIGH')])).rejects.toMatchObject({ code: 'POISON_MESSAGE' });
  });

  it('does not forget an alert for which there is no room', async () => {
    const tenant = newId();
    for (let count = 0; count < MAX_UNFINISHED; count++) await started(tenant);
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'HIGH');
    const opened = entry(tenant, newId(), 'HIGH');
    await expect(handle([opened])).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await db.services.database.inTenant(tenant, (em) =>
      em.execute("update agents.investigation set status = 'CANCELLED'"),
    );
    await handle([opened]);
    expect(await ofAlert(tenant, opened.fields.get('subject') ?? '')).toHaveLength(1);
  });
});
