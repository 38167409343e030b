// Replaces what changed on the page while it is open, and nothing else: what is open, in focus, selected or scrolled
// stays as it is. Without this script the page is the same; it only has to be reloaded.
"use strict"

const EVERY = 1000 // milliseconds between two looks
const live = document.getElementById("live")
let version = document.querySelector('meta[name="version"]').content

const clock = () => new Date().toLocaleTimeString()

function show(text, isTrouble) {
  if (live.textContent !== text) live.textContent = text
  live.classList.toggle("trouble", isTrouble)
}

async function look() {
  const asked = { headers: { "If-None-Match": `"${version}"` }, cache: "no-store" }
  const changed = await fetch(`/api/report${location.search}`, { ...asked, method: "HEAD" })
  if (changed.status === 304) return
  const answer = await fetch(`/${location.search}`, { cache: "no-store" })
  const page = new DOMParser().parseFromString(await answer.text(), "text/html")
  if (!answer.ok) throw new Error(page.querySelector("main p")?.textContent ?? answer.statusText)
  document.title = page.title
  morph(document.body, page.body)
  for (const heading of document.querySelectorAll("th[aria-sort]")) sortBy(heading, heading.getAttribute("aria-sort"))
  version = page.querySelector('meta[name="version"]').content
}

async function keepLooking() {
  if (!document.hidden) {
    try {
      await look()
      show("Live", false)
    } catch (error) {
      const reason = error instanceof TypeError ? "The board does not respond." : error.message
      if (!live.classList.contains("trouble")) show(`Not live since ${clock()}. ${reason}`, true)
    }
  }
  setTimeout(keepLooking, EVERY)
}

// What an element stands for, among its siblings; others are matched by their place.
function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return null
  return node.id || (node.localName === "a" && node.getAttribute("href")) || (node.localName === "option" && node.value) ||
    (node.localName === "details" && node.querySelector("[id]")?.id) || null
}

const isSame = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other)

function morph(old, fresh) {
  if (old === live) return
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue
    return
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  const isTheReaders = name => (name === "open" && old.localName === "details") || name === "aria-sort"
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !isTheReaders(name)) old.removeAttribute(name)
  morphChildren(old, fresh)
}

function morphChildren(old, fresh) {
  const wanted = new Set([...fresh.childNodes].map(keyOf).filter(Boolean))
  let place = old.firstChild
  for (const child of [...fresh.childNodes]) {
    while (place && keyOf(place) && !wanted.has(keyOf(place))) place = removed(place)
    const match = place && isSame(place, child) ? place : keyOf(child) && later(place, child)
    if (match) {
      if (match === place) place = place.nextSibling
      else old.insertBefore(match, place)
      morph(match, child)
    } else {
      const made = document.importNode(child, true)
      if (place && !keyOf(place) && !keyOf(child)) {
        old.replaceChild(made, place)
        place = made.nextSibling
      } else old.insertBefore(made, place)
    }
  }
  while (place) place = removed(place)
}

function removed(node) {
  const next = node.nextSibling
  node.remove()
  return next
}

function later(place, child) {
  for (let node = place; node; node = node.nextSibling) if (isSame(node, child)) return node
  return null
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) look().catch(() => {}) })
keepLooking()
