/** One sentence about a format, with its proof. */
export interface Case {
  readonly name: string;
  readonly play: () => void;
}
