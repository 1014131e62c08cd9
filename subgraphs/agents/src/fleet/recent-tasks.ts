/** The A2A server's memory of tasks, bounded: the truth about a task is its row, not what an agent remembers. */
import type { ListTasksRequest, ListTasksResponse, Task } from '@a2a-js/sdk';
import type { ServerCallContext, TaskStore } from '@a2a-js/sdk/server';

const CAPACITY = 200;

/** Forgets the task that was saved longest ago. A caller sees its own tasks only. */
export class RecentTasks implements TaskStore {
  readonly #tasks = new Map<string, { owner: string; task: Task }>();

  async save(task: Task, context: ServerCallContext): Promise<void> {
    this.#tasks.delete(task.id);
    this.#tasks.set(task.id, { owner: ownerOf(context), task: structuredClone(task) });
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size > CAPACITY && oldest !== undefined) this.#tasks.delete(oldest);
  }

  async load(taskId: string, context: ServerCallContext): Promise<Task | undefined> {
    const entry = this.#tasks.get(taskId);
    return entry?.owner === ownerOf(context) ? structuredClone(entry.task) : undefined;
  }

  async list(request: ListTasksRequest, context: ServerCallContext): Promise<ListTasksResponse> {
    const own = [...this.#tasks.values()]
      .filter((entry) => entry.owner === ownerOf(context))
      .map((entry) => structuredClone(entry.task));
    const tasks = own.reverse().slice(0, request.pageSize ?? CAPACITY);
    return { tasks, nextPageToken: '', pageSize: tasks.length, totalSize: own.length };
  }
}

function ownerOf({ user }: ServerCallContext): string {
  return user?.userName ?? '';
}
