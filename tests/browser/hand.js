// How the tests find things in a page: as people do, by what is written on them. Runs before each script of theirs.
const plain = (text) => text.replace(/\s+/g, " ").trim();
const words = (element) => {
  const copy = element.cloneNode(true);
  for (const extra of copy.querySelectorAll(".optional")) extra.remove();
  return plain(copy.textContent);
};
const nameOf = (element) => {
  const label = element.getAttribute("aria-label");
  if (label) return plain(label);
  if (element.labels?.length) return plain([...element.labels].map(words).join(" "));
  return words(element) || element.title;
};
const CLICKED = "a[href], button, summary, input[type=checkbox], input[type=radio]";
const TYPED = "input:not([type=checkbox], [type=radio], [type=hidden]), textarea, select";
const named = (selector, name) =>
  [...document.querySelectorAll(selector)].find(
    (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[aria-hidden=true]") && nameOf(one) === name,
  );
