import { Rights } from '@aurorasoc/kit/graphql';
import { Field, ID, ObjectType } from 'type-graphql';

@Rights('site:read')
@ObjectType('Site', { description: 'This installation, as others know it.' })
export class SiteType {
  @Field(() => ID, { description: 'UUIDv7; stays when name and key change.' })
  id!: string;

  @Field(() => String, { description: "Its name, the authority in its events' `source`." })
  name!: string;

  @Field(() => ID, { description: 'SHA-256 thumbprint of the public key (RFC 7638), base64url.' })
  keyId!: string;

  @Field(() => String, { description: 'Its Ed25519 public key: SubjectPublicKeyInfo as PEM.' })
  publicKey!: string;

  @Field(() => Date, { description: 'When its record was made.' })
  createdAt!: Date;
}
