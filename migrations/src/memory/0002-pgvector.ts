import { Migration } from '@mikro-orm/migrations';

/**
 * The vectors as pgvector's type with an HNSW index, where that extension is to be had; elsewhere nothing but the function
 * that adds them later, to be called by an administrator who has installed it.
 */
export class AddPgvector extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // A generated column, not a second table: whoever writes an entry need not know of it, and existing rows are filled by the
  // rewrite of the table, which row security does not stand in the way of. 0.8 is the first version whose index scan goes on
  // until enough rows have passed row security.
  `create function memory.enable_pgvector() returns boolean language plpgsql as $$
   declare
     place text;
   begin
     select quote_ident(nspname) into place
     from pg_extension join pg_namespace on pg_namespace.oid = extnamespace
     where extname = 'vector' and (string_to_array(extversion, '.'))[1:2]::int[] >= array[0, 8];
     if place is null then
       return false;
     end if;
     execute format(
       'alter table memory.entry add column if not exists embedding_vector %1$s.vector(256)
        generated always as (embedding::%1$s.vector(256)) stored', place);
     execute format(
       'create index if not exists entry_nearest on memory.entry
        using hnsw (embedding_vector %1$s.vector_cosine_ops) where not is_quarantined', place);
     return true;
   end
   $$`,
  'revoke execute on function memory.enable_pgvector() from public',
  // The owner of the schema may rarely create extensions; then one that an administrator has created is used, or none.
  `do $$
   begin
     if exists (select from pg_available_extensions where name = 'vector') then
       create extension if not exists vector;
     end if;
   exception when insufficient_privilege then
     null;
   end
   $$`,
  'select memory.enable_pgvector()',
];
