// @ts-check

/** Widths of a phone, a tablet, a laptop and a large screen. */
export const WIDTHS = [375, 768, 1280, 1920]

/**
 * The texts of a page that stick out of what is around them, whether that cuts them or lies below
 * its neighbour. Code and the navigation of a phone scroll sideways on purpose.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<string[]>}
 */
export const cutTexts = (page) =>
  page.evaluate(() => {
    const SCROLLS = 'pre, nav, .scrolls'
    const TOLERANCE_PX = 1
    const found = new Set()
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const text = /** @type {Text} */ (texts.currentNode)
      const parent = text.parentElement
      if (!parent?.checkVisibility() || parent.closest('.visually-hidden, .skip, script')) continue
      const range = document.createRange()
      range.selectNodeContents(text)
      const boxes = [...range.getClientRects()]
      for (
        let at = parent;
        at && !at.matches(SCROLLS);
        at = /** @type {any} */ (at.parentElement)
      ) {
        if (/^(inline|contents)$/.test(getComputedStyle(at).display)) continue
        const { left, right } = at.getBoundingClientRect()
        const isOut = boxes.some(
          (box) => box.right > right + TOLERANCE_PX || box.left < left - TOLERANCE_PX,
        )
        if (!isOut) continue
        found.add(`"${text.data.trim().slice(0, 60)}" out of ${at.tagName} ${at.className}`)
        break
      }
    }
    for (const element of document.querySelectorAll('body *')) {
      if (element.closest(`${SCROLLS}, .visually-hidden, .skip`) || !element.checkVisibility())
        continue
      const isCut = getComputedStyle(element).overflowX !== 'visible'
      if (isCut && element.scrollWidth > element.clientWidth + TOLERANCE_PX) {
        found.add(
          `${element.tagName} ${element.className} is cut: "${element.textContent?.slice(0, 60)}"`,
        )
      }
    }
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth > clientWidth) found.add(`the page: ${scrollWidth} px`)
    return [...found]
  })
