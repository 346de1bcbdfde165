#!/usr/bin/env node
// @ts-check

const { main } = require('../js/command/main.js')

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
