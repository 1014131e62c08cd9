/** The words of a text, in order: runs of letters and digits in lower case, so that `vssadmin.exe` holds `vssadmin`. */
export function tokensOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}
