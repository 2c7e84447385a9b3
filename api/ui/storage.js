// What the browser keeps for this page: for the visit, or until it is dropped.
// A browser may keep nothing at all; then what was kept is simply not there.

// Servers below one host are told apart by their path.
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
