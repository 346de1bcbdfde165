import { expect, test } from 'vitest'
import { moment } from '../../dashboard/src/format.mjs'

// Figures as the page of the dashboard shows them.

test('a time has its day, unless that is today', () => {
  const at = (...parts) => new Date(...parts).getTime()
  const now = at(2026, 10, 30, 14, 0, 0)
  expect(moment(at(2026, 10, 30, 0, 0, 1), now)).toBe('00:00:01')
  expect(moment(at(2026, 10, 29, 23, 59, 59), now)).toBe('29 Nov, 23:59:59')
  expect(moment(at(2025, 10, 30, 14, 0, 0), now)).toBe('30 Nov 2025, 14:00:00')
  // The clock of the server may be ahead.
  expect(moment(at(2026, 11, 1, 0, 0, 0), now)).toBe('1 Dec, 00:00:00')
})
