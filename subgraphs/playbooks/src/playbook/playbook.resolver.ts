import { validatePlaybook } from '@aurorasoc/cacao';
import { badUserInput } from '@aurorasoc/kit/errors';
import { type Connection, entityPage, PageArgs, Rights, uuidOf } from '@aurorasoc/kit/graphql';
import { LiveField, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { PlaybooksContext } from '../context.js';
import { activatePlaybook } from './activate-playbook.js';
import { Playbook } from './playbook.entity.js';
import {
  ActivatePlaybookResult,
  PlaybookChange,
  PlaybookChangeItem,
  PlaybookConnection,
  PlaybookInvalid,
  PlaybookNotFound,
  PlaybookRevoked,
  PlaybookType,
  PlaybookValidation,
  PlaybookVersionNotFound,
  PlaybookVersionType,
  SavePlaybookInput,
  SavePlaybookResult,
  StaleVersion,
  VERSIONS_DESCRIPTION,
} from './playbook.type.js';
import { openPlaybookChanges } from './playbook-changed.js';
import { MAX_DOCUMENTS, type PlaybookVersion } from './playbook-versions.js';
import { savePlaybook } from './save-playbook.js';

const DOCUMENT_DESCRIPTION = `The document as canonical JSON (RFC 8785); at most ${MAX_DOCUMENTS} of them at a time.`;

@Resolver(() => PlaybookType)
export class PlaybookResolver {
  @Rights('playbooks:read')
  @Query(() => PlaybookType, { nullable: true, description: 'One playbook by its id.' })
  async playbook(
    @Arg('id', () => ID, { description: 'Id of the playbook.' }) id: string,
    @Ctx() { loaders }: PlaybooksContext,
  ): Promise<Playbook | null> {
    return loaders.playbook.load(uuidOf('id', id));
  }

  @Rights('playbooks:read')
  @Query(() => PlaybookConnection, { description: 'Playbooks, newest first.' })
  async playbooks(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services, principal }: PlaybooksContext,
  ): Promise<Connection<Playbook>> {
    return entityPage(services.runtime.database, principal.tenant, { name: 'playbooks', entity: Playbook }, args);
  }

  @Rights('playbooks:read')
  @Mutation(() => PlaybookValidation, { description: 'Judges a document as `savePlaybook` would, and saves nothing.' })
  validatePlaybook(
    @Arg('document', () => String, { description: 'CACAO 2.0 as JSON text.' }) document: string,
  ): PlaybookValidation {
    const { playbook, problems } = validatePlaybook(document);
    return Object.assign(new PlaybookValidation(), {
      isValid: playbook !== undefined,
      problems,
      documentId: playbook?.id ?? null,
      name: playbook?.name ?? null,
      steps: playbook?.steps ?? null,
    });
  }

  @Rights('playbooks:write')
  @Mutation(() => SavePlaybookResult, {
    description:
      'Saves a document without errors as the next version of the playbook with its CACAO id. It is in force once it is activated. The same document again changes nothing.',
  })
  async savePlaybook(
    @Arg('input', () => SavePlaybookInput, { description: 'What to save.' }) input: SavePlaybookInput,
    @Ctx() { services, principal }: PlaybooksContext,
  ): Promise<Playbook | PlaybookInvalid | StaleVersion> {
    const expectedVersion = input.expectedVersion ?? undefined;
    if (expectedVersion !== undefined && expectedVersion < 0)
      throw badUserInput('input.expectedVersion', 'Versions begin at 1; 0 stands for none');
    const outcome = await savePlaybook(services, principal, { document: input.document, expectedVersion });
    if (outcome.kind === 'saved') return outcome.playbook;
    if (outcome.kind === 'invalid') return Object.assign(new PlaybookInvalid(), { problems: outcome.problems });
    return Object.assign(new StaleVersion(), { id: outcome.id, currentVersion: outcome.currentVersion });
  }

  @Rights('playbooks:write')
  @Mutation(() => ActivatePlaybookResult, {
    description: 'Puts a saved document in force, in place of the one that was; also an older one.',
  })
  async activatePlaybook(
    @Arg('id', () => ID, { description: 'Id of the playbook.' }) id: string,
    @Arg('version', () => Int, { description: 'The version that saved the document.' }) version: number,
    @Ctx() { services, principal }: PlaybooksContext,
  ): Promise<Playbook | PlaybookNotFound | PlaybookVersionNotFound | PlaybookRevoked> {
    const outcome = await activatePlaybook(services, principal, { playbookId: uuidOf('id', id), version });
    switch (outcome.kind) {
      case 'activated':
        return outcome.playbook;
      case 'missing':
        return Object.assign(new PlaybookNotFound(), { id });
      case 'no version':
        return Object.assign(new PlaybookVersionNotFound(), { id, savedVersion: outcome.savedVersion });
      case 'revoked':
        return Object.assign(new PlaybookRevoked(), { id, version });
    }
  }

  @Rights('playbooks:read')
  @LiveField(
    PlaybookChangeItem,
    'Every change of playbooks, each once and in order; with `after`, from there on.',
    (context: PlaybooksContext, args: { after?: string | null }) =>
      openPlaybookChanges(context, args.after ?? undefined),
  )
  playbookChanged(
    @Root() item: typeof PlaybookChangeItem,
    @ResumeAfter() _after?: string | null,
  ): typeof PlaybookChangeItem {
    return item;
  }

  @FieldResolver(() => [PlaybookVersionType], { description: VERSIONS_DESCRIPTION })
  versions(@Root() { id }: Playbook, @Ctx() { loaders }: PlaybooksContext): Promise<PlaybookVersion[]> {
    return loaders.versionsOfPlaybook.load(id);
  }

  @FieldResolver(() => String, { nullable: true, description: `${DOCUMENT_DESCRIPTION} This is the latest.` })
  document(@Root() { id, savedVersion }: Playbook, @Ctx() { loaders }: PlaybooksContext): Promise<string | null> {
    return loaders.document.load({ playbookId: id, version: savedVersion });
  }
}

@Resolver(() => PlaybookVersionType)
export class PlaybookVersionResolver {
  @FieldResolver(() => String, { nullable: true, description: DOCUMENT_DESCRIPTION })
  document(
    @Root() { playbookId, version }: PlaybookVersionType,
    @Ctx() { loaders }: PlaybooksContext,
  ): Promise<string | null> {
    return loaders.document.load({ playbookId, version });
  }
}

@Resolver(() => PlaybookChange)
export class PlaybookChangeResolver {
  @FieldResolver(() => PlaybookType, {
    nullable: true,
    description: 'The playbook as it is at emission, which may be newer than `version`.',
  })
  playbook(@Root() change: PlaybookChange, @Ctx() { loaders }: PlaybooksContext): Promise<Playbook | null> {
    return loaders.playbook.load(change.playbookId);
  }
}
