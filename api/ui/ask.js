// A question before something that can't be undone.

const $ = (id) => document.getElementById(id)

// ask answers whether the person has agreed to do. Escape is a no.
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
