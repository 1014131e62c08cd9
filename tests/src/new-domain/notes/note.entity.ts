import { TenantEntity } from '@aurorasoc/kit/domain';
import { Entity, Property } from '@mikro-orm/decorators/legacy';

@Entity({ tableName: 'note' })
export class Note extends TenantEntity {
  @Property({ type: 'text' })
  text: string;

  constructor(tenant: string, text: string) {
    super(tenant);
    this.text = text;
  }
}
