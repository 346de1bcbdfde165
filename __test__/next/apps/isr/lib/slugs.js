/** One prerendered path for each scenario, so that no test meets another's invalidation. */
export const slugs = [
  'first',
  'max',
  'zero',
  'seconds',
  'bare',
  'path',
  'page',
  'layout',
  'two',
  'grün 你好',
]
