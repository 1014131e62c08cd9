import { Migration } from '@mikro-orm/migrations';
import { describe, expect, it } from 'vitest';
import { tenantErasureSql } from '../erasure/erasure-sql.js';
import { finishingSql, finishMark } from './finish-schema.js';

class Empty extends Migration {
  override up(): void {}
}
const named = (...names: readonly string[]) => names.map((name) => ({ name, class: Empty }));

describe('the mark of a finished schema', () => {
  const statements = finishingSql('probe');

  it('is the same for the same release', () => {
    expect(finishMark(named('0001'), finishingSql('probe'))).toBe(finishMark(named('0001'), statements));
  });

  it('is another one as soon as one statement is, or one migration more', () => {
    const marks = statements.map((statement, index) =>
      finishMark(named('0001'), statements.with(index, `${statement} `)),
    );
    marks.push(finishMark(named('0001', '0002'), statements), finishMark(named('0001'), statements));
    expect(new Set(marks).size).toBe(statements.length + 2);
  });

  it('covers the erasure of tenants', () => {
    expect(statements).toEqual(expect.arrayContaining(tenantErasureSql('probe')));
  });
});
