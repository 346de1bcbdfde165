// @ts-check
import { defineConfig } from 'vitepress'
import { slug } from '../anchors.mjs'
import { collect, description, menu, pages, repository, version } from '../collect.mjs'

collect()

// A site below a path, such as that of GitHub Pages, says so in SITE_BASE.
const base = `${process.env.SITE_BASE ?? ''}/`

export default defineConfig({
  title: 'Tiercel',
  description,
  lang: 'en',
  base,
  srcDir: pages,
  outDir: '.work/site',
  cacheDir: '.work/cache',
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: `${base}icon.svg`, type: 'image/svg+xml' }]],
  markdown: {
    // As on GitHub, so that one link serves both.
    anchor: { slugify: slug },
    // Braces in code are not for Vue.
    config: (md) => {
      md.renderer.rules.code_inline = (tokens, index) =>
        `<code v-pre>${md.utils.escapeHtml(tokens[index].content)}</code>`
    },
    theme: { light: 'github-light', dark: 'github-dark' },
  },
  themeConfig: {
    logo: '/icon.svg',
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    socialLinks: [{ icon: 'github', link: repository }],
    nav: [
      { text: 'Get started', link: '/start' },
      { text: 'Options', link: '/options' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: version, link: '/changelog' },
    ],
    sidebar: menu(),
  },
})
