// The API key, if the server requires one: its form, its storage, and the requests that wait for it.

import { drop, keep, recall } from './storage.js'

const $ = (id) => document.getElementById(id)

let needed = document.documentElement.dataset.keys === 'needed'
let held = (needed && recall('key')) || ''
let waiting = [] // functions to call when there is a key

// keyHeld returns the key, empty if there is none.
export const keyHeld = () => held

// keyMissing returns whether the user must enter a key first.
export const keyMissing = () => needed && !held

export const bearer = (key) => (key ? { Authorization: `Bearer ${key}` } : {})

// keyReady returns when there is a key, or at once if none is needed. It shows the form if necessary.
export async function keyReady(signal) {
  if (keyMissing()) {
    askForKey()
    await new Promise((resolve, reject) => {
      waiting.push(resolve)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      if (signal?.aborted) reject(signal.reason)
    })
  }
  return held
}

// keyRefused handles a key for which the server returned 401.
export function keyRefused(key) {
  needed = true
  if (key !== held) return // there is another in the meantime
  held = ''
  drop('key')
  askForKey(key && 'This key is not valid on this server; it may have been revoked. Enter another.')
}

// askForKey shows the form. It takes the focus only if no element has it.
export function askForKey(why = '') {
  if (why) $('key-note').textContent = why
  $('key').hidden = false
  $('forget').hidden = true
  if (document.activeElement === document.body) $('key-text').focus()
}

// gotoKey shows the form and moves the focus there.
export function gotoKey() {
  askForKey()
  $('key-text').focus()
  $('key').scrollIntoView({ block: 'center' })
}

// keyForm starts the form. check throws an error for a key that the server refuses; onForget is called
// after the key was forgotten.
export function keyForm({ check, onForget }) {
  $('forget').hidden = !held
  $('key').addEventListener('submit', async (e) => {
    e.preventDefault()
    const key = $('key-text').value.trim()
    if (!/^[!-~]+$/.test(key)) return refuse(key ? 'That is not a key: it contains a space or another character that keys don’t have.' : 'Enter a key first.')
    try {
      await check(key)
    } catch (err) {
      return refuse(err.message)
    }
    held = key
    keep('key', key, { lasting: $('key-keep').checked })
    $('key-note').textContent = $('key-text').value = ''
    const hadFocus = $('key').contains(document.activeElement)
    $('key').hidden = true
    $('forget').hidden = false
    if (hadFocus) $('file').focus()
    for (const go of waiting.splice(0)) go()
  })
  $('forget').addEventListener('click', () => {
    drop('key')
    onForget()
  })
}

function refuse(why) {
  $('key-note').textContent = why
  $('key-text').focus()
  $('key-text').select()
}
