// @ts-check

/** Light or dark: as the system has it, or as somebody chose here. */

const CHOICES = /** @type {const} */ (['auto', 'light', 'dark'])
const SAID = { auto: 'as the system', light: 'light', dark: 'dark' }
const SIGNS = { auto: '◐', light: '○', dark: '●' }
const KEPT = 'tiercel-theme'

/** @param {HTMLButtonElement} button @param {() => void} changed */
export function theme(button, changed) {
  let chosen = /** @type {(typeof CHOICES)[number]} */ (kept() ?? 'auto')
  const show = () => {
    if (chosen === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = chosen
    button.textContent = SIGNS[chosen]
    button.setAttribute('aria-label', `Theme: ${SAID[chosen]}`)
    button.title = `Theme: ${SAID[chosen]}`
    changed()
  }
  button.addEventListener('click', () => {
    chosen = CHOICES[(CHOICES.indexOf(chosen) + 1) % CHOICES.length]
    try {
      localStorage.setItem(KEPT, chosen)
    } catch {
      // Then it is chosen for this page alone.
    }
    show()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  show()
}

function kept() {
  try {
    const given = localStorage.getItem(KEPT)
    return CHOICES.find((one) => one === given)
  } catch {
    return undefined
  }
}
