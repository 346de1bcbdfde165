import { expect, test } from 'vitest'
import { keep } from '../../dashboard/src/dom.mjs'

// Lists of the page of the dashboard, without a browser.

/** As much of an element as a list needs. */
class Item {
  children = []
  parentNode
  get firstChild() {
    return this.children[0] ?? null
  }
  get nextSibling() {
    const all = this.parentNode.children
    return all[all.indexOf(this) + 1] ?? null
  }
  insertBefore(child, next) {
    child.remove()
    child.parentNode = this
    this.children.splice(next ? this.children.indexOf(next) : this.children.length, 0, child)
  }
  remove() {
    const all = this.parentNode?.children
    all?.splice(all.indexOf(this), 1)
    this.parentNode = undefined
  }
  matches = () => false
  closest = () => null
  show(item) {
    this.shown = item
  }
}

function listed() {
  const list = new Item()
  return {
    list,
    show(...keys) {
      const keyOf = (item) => item
      keep(list, keys, keyOf, () => new Item())
      return list.children.map(({ shown }) => shown)
    },
  }
}

test('each is kept for as long as its key is there', () => {
  const { list, show } = listed()
  expect(show('a', 'b', 'c')).toEqual(['a', 'b', 'c'])
  const [a, , c] = list.children
  expect(show('c', 'd', 'a')).toEqual(['c', 'd', 'a'])
  expect([list.children[0] === c, list.children[2] === a]).toEqual([true, true])
  expect(show()).toEqual([])
})

test('two of one key leave nothing behind', () => {
  const { show } = listed()
  for (let n = 0; n < 3; n++) expect(show('a', 'a', 'b')).toEqual(['a', 'a', 'b'])
  expect(show('a')).toEqual(['a'])
  expect(show('b')).toEqual(['b'])
})
