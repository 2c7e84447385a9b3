// The API key, where the server asks for one: the form that takes it, where it
// is kept, and those who wait for it.

import { drop, keep, recall } from './storage.js'

const $ = (id) => document.getElementById(id)

let needed = document.documentElement.dataset.keys === 'needed'
let held = (needed && recall('key')) || ''
let waiting = [] // for a key, each a function to call with none

// keyHeld is the key, empty where there is none.
export const keyHeld = () => held

// keyMissing says that nothing goes on without the person's entering one.
export const keyMissing = () => needed && !held

export const bearer = (key) => (key ? { Authorization: `Bearer ${key}` } : {})

// keyReady answers once there is a key, or at once where none is needed. It
// asks the person where it must.
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

// keyRefused is told of a key that the server has answered 401.
export function keyRefused(key) {
  needed = true
  if (key !== held) return // there is another by now
  held = ''
  drop('key')
  askForKey(key && 'The key is not, or not any more, one of this server’s. Enter another.')
}

// askForKey shows the form. It takes the focus from nothing but the page itself.
export function askForKey(why = '') {
  if (why) $('key-note').textContent = why
  $('key').hidden = false
  $('forget').hidden = true
  if (document.activeElement === document.body) $('key-text').focus()
}

// gotoKey leads to the form.
export function gotoKey() {
  askForKey()
  $('key-text').focus()
  $('key').scrollIntoView({ block: 'center' })
}

// keyForm sets the form going. check asks the server about a key and throws
// what is wrong with it; onForget comes after the key was forgotten.
export function keyForm({ check, onForget }) {
  $('forget').hidden = !held
  $('key').addEventListener('submit', async (e) => {
    e.preventDefault()
    const key = $('key-text').value.trim()
    if (!/^[!-~]+$/.test(key)) return refuse(key ? 'That is no key: it has a space or a strange letter in it.' : 'Enter a key first.')
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
