/** CACAO documents of our own, as short as the schema lets them be. */

/** @param number - another playbook for each. */
export function playbookOf(name: string, number = 1): object {
  const id = (type: string): string => `${type}--00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  return {
    type: 'playbook',
    spec_version: 'cacao-2.0',
    id: id('playbook'),
    name,
    created_by: id('identity'),
    created: '2026-01-01T08:00:00.000Z',
    modified: '2026-01-01T08:00:00.000Z',
    workflow_start: id('start'),
    workflow: { [id('start')]: { type: 'start', on_completion: id('end') }, [id('end')]: { type: 'end' } },
  };
}
