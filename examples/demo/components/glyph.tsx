/** A small pattern drawn from a number: another generation, another pattern. */
export function Glyph({ seed, size = 60 }: { seed: number; size?: number }) {
  const hue = seed % 360
  const bits = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  const cells = []
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 3; column++) {
      const bit = row * 3 + column
      if (!((bits >>> bit) & 1)) continue
      const strong = (bits >>> (bit + 15)) & 1
      for (const x of new Set([column, 4 - column])) {
        cells.push(
          <rect
            key={`${x}-${row}`}
            x={x}
            y={row}
            width="1.02"
            height="1.02"
            opacity={strong ? 1 : 0.55}
          />,
        )
      }
    }
  }
  return (
    <svg
      className="glyph"
      viewBox="-0.9 -0.9 6.8 6.8"
      width={size}
      height={size}
      style={{ '--hue': hue } as React.CSSProperties}
      aria-hidden="true"
    >
      {cells}
    </svg>
  )
}
