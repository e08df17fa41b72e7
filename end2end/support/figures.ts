// Figures of a list of times.

/** Milliseconds. */
export function summary(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1);
  return `${sorted.length} times: median ${at(0.5)} ms, least ${at(0)}, most ${at(1)}`;
}
