// Sorts a table by the column whose heading is pressed, numbers from the largest; pressed again, the other way round.
// Without this script the page is the same, in the order in which it was made.
"use strict"

function sortBy(heading, direction) {
  const body = heading.closest("table").tBodies[0]
  const cell = row => row.cells[heading.cellIndex]
  const isNumber = heading.classList.contains("number")
  const isRest = row => [...row.cells].slice(1).every(each => !each.textContent) // such as "and 12 more"
  const isUnknown = row => isRest(row) || (isNumber && !cell(row).dataset.value)
  const ascending = (one, other) =>
    isNumber ? cell(one).dataset.value - cell(other).dataset.value
      : cell(one).textContent.localeCompare(cell(other).textContent, undefined, { numeric: true })
  const sign = direction === "ascending" ? 1 : -1
  const rows = [...body.rows].sort((one, other) =>
    isUnknown(one) - isUnknown(other) || isRest(one) - isRest(other) || (isUnknown(one) ? 0 : sign * ascending(one, other)))
  body.append(...rows)
  for (const each of heading.parentNode.cells) each.removeAttribute("aria-sort")
  heading.setAttribute("aria-sort", direction)
}

document.addEventListener("click", event => {
  const heading = event.target.closest("th button")?.parentNode
  if (!heading) return
  const [first, second] = heading.classList.contains("number") ? ["descending", "ascending"] : ["ascending", "descending"]
  sortBy(heading, heading.getAttribute("aria-sort") === first ? second : first)
})
