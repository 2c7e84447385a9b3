// Shows the painted picture over the photograph, with a divider between them. The divider is a native
// range input that covers both, so that pointer, touch, keys and screen readers work. The style sheet
// uses --at.

export function comparison(frame, divider) {
  const follow = () => {
    const at = Number(divider.value)
    frame.style.setProperty('--at', at)
    frame.classList.toggle('far-left', at < 24)
    frame.classList.toggle('far-right', at > 76)
    divider.setAttribute('aria-valuetext', `${at}% photograph, ${100 - at}% painted`)
  }
  divider.addEventListener('input', () => {
    frame.classList.remove('unveil')
    follow()
  })
  frame.addEventListener('transitionend', (e) => {
    if (e.target === frame) frame.classList.remove('unveil')
  })

  return {
    // rest puts the divider in the middle.
    rest() {
      frame.classList.remove('unveil')
      divider.value = 50
      follow()
    },

    // unveil moves the divider from the right edge to the middle, once.
    unveil() {
      frame.classList.remove('unveil')
      divider.value = 100
      follow()
      frame.getBoundingClientRect() // layout, which the transition needs as its start
      frame.classList.add('unveil')
      divider.value = 50
      follow()
    },
  }
}
