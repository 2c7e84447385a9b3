// A confirmation before an action that can't be undone.

const $ = (id) => document.getElementById(id)

// ask returns whether the user has confirmed. Escape means no.
export function ask({ title, text, yes, no }) {
  const dialog = $('ask')
  $('ask-title').textContent = title
  $('ask-text').textContent = text
  $('ask-yes').textContent = yes
  dialog.querySelector('[value=no]').textContent = no
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}
