// @ts-check

/** The anchor that GitHub gives a heading. @param {string} heading its text */
export const slug = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
