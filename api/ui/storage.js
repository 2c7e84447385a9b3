// What the browser stores for this page: for the visit, or until it is dropped. If a browser stores
// nothing, recall returns undefined.

// Servers on one host are distinguished by their path.
const name = (what) => `atelier ${location.pathname} ${what}`

export function recall(what) {
  for (const store of ['sessionStorage', 'localStorage']) {
    try {
      const text = window[store].getItem(name(what))
      if (text !== null) return JSON.parse(text)
    } catch {}
  }
}

export function keep(what, value, { lasting }) {
  try {
    window[lasting ? 'localStorage' : 'sessionStorage'].setItem(name(what), JSON.stringify(value))
  } catch {}
}

export function drop(what) {
  for (const store of ['sessionStorage', 'localStorage']) {
    try {
      window[store].removeItem(name(what))
    } catch {}
  }
}
