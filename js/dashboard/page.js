// @ts-check

/**
 * The page before its script runs, and the door before it. Nothing foreign is in either: all that
 * somebody else has named comes later, as text.
 */

/** @typedef {{ files: string, forms: string }} Addresses what those of files and of forms begin with */

const MARK =
  '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 7h18M3 12h12M3 17h6" /></svg>'

/** @param {string} base what addresses begin with @param {string} title @param {string} body @param {string} [more] */
const document = (base, title, body, more = '') => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" type="image/svg+xml" href="${safe(base)}icon.svg">
<link rel="stylesheet" href="${safe(base)}app.css">
${more}</head>
${body}
</html>
`

const PROBLEMS = {
  wrong: 'This is not the token.',
  crowded: 'Too many wrong tokens were tried. Wait a minute.',
}

/** @param {Addresses} addresses @param {keyof typeof PROBLEMS} [problem] */
function door({ files, forms }, problem) {
  const said = problem ? `<p class="problem" role="alert">${PROBLEMS[problem]}</p>` : ''
  return document(
    files,
    'Tiercel',
    `<body class="door">
<main>
<h1>${MARK}Tiercel</h1>
<form method="post" action="${safe(forms)}enter">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus${problem ? ' aria-invalid="true"' : ''}>
${said}
<button type="submit" class="primary">Open the dashboard</button>
<p class="hint">It is what TIERCEL_DASHBOARD_TOKEN of the server says.</p>
</form>
</main>
</body>`,
  )
}

/** @param {Addresses} addresses @param {boolean} [isGuarded] whether a token let somebody in */
function whole({ files, forms }, isGuarded) {
  const leave = `<form method="post" action="${safe(forms)}leave"><button type="submit" class="quiet">Leave</button></form>\n`
  return document(
    files,
    'Tiercel',
    `<body data-base="${safe(files)}">
<a class="skip" href="#main">Skip to the figures</a>
<header class="top">
<h1>${MARK}Tiercel</h1>
<p id="about" class="about"></p>
<p id="status" class="status" role="status"><span class="dot"></span><span>connecting</span></p>
<button id="theme" type="button" class="quiet" aria-label="Theme: as the system"></button>
${isGuarded ? leave : ''}</header>
<main id="main">
<noscript><p class="banner">The figures need JavaScript.</p></noscript>
<p id="trouble" class="banner" role="alert" hidden></p>
<div id="view"></div>
</main>
</body>`,
    `<script type="module" src="${safe(files)}app.js"></script>\n`,
  )
}

/** @param {string} text */
const safe = (text) => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)

module.exports = { door, whole }
