/** Turns texts into vectors whose cosine says how alike the texts are. */
export interface Embedder {
  /** Stored with each vector: those of different embedders cannot be compared. */
  readonly name: string;
  readonly dimensions: number;
  /**
   * One vector per text, in their order, of length 1; all zeros for a text in which there is nothing to go by.
   * @throws AuroraError `SERVICE_UNAVAILABLE` where it has to ask somebody who is away.
   */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
}
