import { Rights } from '@aurorasoc/kit/graphql';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { SiteReport, State } from './site-probe.js';

export enum HealthState {
  UP = 'UP',
  DEGRADED = 'DEGRADED',
  DOWN = 'DOWN',
}
registerEnumType(HealthState, {
  name: 'HealthState',
  description: 'How something is.',
  valuesConfig: {
    UP: { description: 'It works.' },
    DEGRADED: { description: 'It works in part.' },
    DOWN: { description: 'It does not work, or does not answer.' },
  },
});

export enum SiteMode {
  DUMMY = 'DUMMY',
  DRY_RUN = 'DRY_RUN',
  REAL = 'REAL',
}
registerEnumType(SiteMode, {
  name: 'SiteMode',
  description: 'How far actions reach.',
  valuesConfig: {
    DUMMY: { description: 'Nowhere: a showcase.' },
    DRY_RUN: { description: 'They are recorded and not made.' },
    REAL: { description: 'They are made.' },
  },
});

@Rights('site:read')
@ObjectType({ description: 'A part of a process, as the process itself tells.' })
export class ComponentHealth {
  @Field(() => String, { description: 'Its name, such as postgres.' })
  name!: string;

  @Field(() => HealthState, { description: 'How it is.' })
  state!: HealthState;

  @Field(() => Date, { description: 'Since when it has been so.' })
  since!: Date;

  @Field(() => String, { nullable: true, description: 'Why it is not up.' })
  reason!: string | null;
}

@Rights('site:read')
@ObjectType({ description: 'A process of the site, as seen from the federation domain.' })
export class ServiceHealth {
  @Field(() => String, { description: 'Its role; replicas of workers have a number behind it.' })
  name!: string;

  @Field(() => HealthState, { description: 'That of its worst component; DOWN when it does not answer.' })
  state!: HealthState;

  @Field(() => String, { nullable: true, description: 'Why it could not be asked.' })
  problem!: string | null;

  @Field(() => [ComponentHealth], { description: 'Its parts; none when it does not answer.' })
  components!: ComponentHealth[];
}

@Rights('site:read')
@ObjectType({ description: 'How the processes of this site are.' })
export class SiteHealth {
  @Field(() => SiteMode, { description: 'How far actions reach.' })
  mode!: SiteMode;

  @Field(() => HealthState, {
    description: 'UP when every service is, DOWN when every service is down or none is known, else DEGRADED.',
  })
  state!: HealthState;

  @Field(() => Date, { description: 'When the services were asked; answers are kept for 2 seconds.' })
  checkedAt!: Date;

  @Field(() => [ServiceHealth], { description: 'Every process that this site is known to have.' })
  services!: ServiceHealth[];
}

/** @param mode - as `AURORA_MODE` spells it. */
export function toSiteHealth({ checkedAt, services }: SiteReport, mode: string): SiteHealth {
  return {
    mode: mode.toUpperCase() as SiteMode,
    state: stateOfSite(services.map(({ state }) => state)),
    checkedAt,
    services: services.map(({ name, state, problem, components }) => ({
      name,
      state: toState(state),
      problem: problem ?? null,
      components: components.map((part) => ({
        name: part.name,
        state: toState(part.state),
        since: new Date(part.since),
        reason: part.reason ?? null,
      })),
    })),
  };
}

function stateOfSite(states: readonly State[]): HealthState {
  if (states.every((state) => state === 'down')) return HealthState.DOWN;
  return states.every((state) => state === 'up') ? HealthState.UP : HealthState.DEGRADED;
}

function toState(state: State): HealthState {
  return state.toUpperCase() as HealthState;
}
