/** The order of the test files: those that take longest begin first, so that none of them runs alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By the end of their path, longest first, as measured; the order of all others is Vitest's. */
const LONGEST = [
  'cli/src/commands/up.spec.ts',
  'cli/src/services/fetch/fetch-service.spec.ts',
  'cli/src/supervisor/site.spec.ts',
  'agents/src/task/task-worker.spec.ts',
  'ingest/src/process.spec.ts',
  'ingest/src/mqtt/mqtt.spec.ts',
  'e2e/golden-path.test.ts',
  'e2e/first-hour.test.ts',
  'fault/streams-under-fire.test.ts',
  'e2e/live-under-fire.test.ts',
  'fault/accepted-is-stored.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = LONGEST.findIndex((end) => moduleId.endsWith(end));
  return index === -1 ? LONGEST.length : index;
}
