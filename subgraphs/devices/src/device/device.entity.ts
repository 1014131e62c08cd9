import { TenantEntity } from '@aurorasoc/kit/domain';
import { Entity, Property } from '@mikro-orm/decorators/legacy';

export type Connection = 'UNKNOWN' | 'ONLINE' | 'OFFLINE';

export type NewDevice = Pick<Device, 'tenant' | 'name' | 'model' | 'firmwareVersion' | 'publicKey' | 'enrolledAt'>;

/**
 * A device at the edge. Its version counts what people and its connection change; that it was seen is no change, since it is
 * seen with each message.
 */
@Entity({ tableName: 'device' })
export class Device extends TenantEntity {
  @Property({ type: 'text' })
  name: string;

  @Property({ type: 'text' })
  model: string;

  @Property({ type: 'text' })
  firmwareVersion: string;

  /** SubjectPublicKeyInfo (RFC 5280) in PEM. */
  @Property({ type: 'text' })
  publicKey: string;

  @Property({ type: 'text' })
  connection: Connection = 'UNKNOWN';

  @Property({ type: 'boolean' })
  isQuarantined = false;

  @Property({ type: 'datetime' })
  enrolledAt: Date;

  @Property({ type: 'datetime' })
  updatedAt: Date;

  /** When ingest received its latest message. */
  @Property({ type: 'datetime', nullable: true })
  lastSeenAt: Date | null = null;

  /** Events `telemetry.recorded` so far. */
  @Property({ type: 'integer' })
  recordings = 0;

  constructor(device: NewDevice) {
    super(device.tenant);
    this.name = device.name;
    this.model = device.model;
    this.firmwareVersion = device.firmwareVersion;
    this.publicKey = device.publicKey;
    this.enrolledAt = device.enrolledAt;
    this.updatedAt = device.enrolledAt;
  }
}
