// Where rows stand when they are not all of one height: a running sum, searched by halving.
// Refuses: a DOM. Heights come from outside, measured or known.

/** Tops of rows. */
export class Places {
  length = 0;
  private heights = new Float32Array(1024);
  private tops = new Float64Array(1025);
  /** Rows below this have a right top. */
  private sure = 0;

  /** Sets how many rows there are and how high each is. */
  reset(length: number, height: (row: number) => number): void {
    if (this.heights.length < length) {
      this.heights = new Float32Array(Math.max(length, this.heights.length * 2));
      this.tops = new Float64Array(this.heights.length + 1);
    }
    this.length = length;
    for (let row = 0; row < length; row += 1) this.heights[row] = height(row);
    this.sure = 0;
  }

  /** A row was measured. Answers by how much it differs. */
  measured(row: number, height: number): number {
    if (row < 0 || row >= this.length) return 0;
    const differs = height - (this.heights[row] ?? 0);
    if (Math.abs(differs) < 0.5) return 0;
    this.heights[row] = height;
    this.sure = Math.min(this.sure, row);
    return differs;
  }

  /** Top of a row; of the row behind the last: the height of all. */
  top(row: number): number {
    const wanted = Math.max(0, Math.min(row, this.length));
    for (; this.sure < wanted; this.sure += 1)
      this.tops[this.sure + 1] = (this.tops[this.sure] ?? 0) + (this.heights[this.sure] ?? 0);
    return this.tops[wanted] ?? 0;
  }

  /** Height of a row. */
  height(row: number): number {
    return this.heights[row] ?? 0;
  }

  /** Height of all. */
  total(): number {
    return this.top(this.length);
  }

  /** The row at that height; the last one below the end. */
  rowAt(y: number): number {
    this.top(this.length);
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.tops[middle] ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }
}
