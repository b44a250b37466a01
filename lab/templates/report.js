// Narrows the matrix. Everything else on this page works without it.
const form = document.getElementById("filter");
const narrow = () => {
  const { family, engine, state, text } = Object.fromEntries(new FormData(form));
  const words = text.toLowerCase();
  const families = new Set();
  let shown = 0;
  for (const row of document.querySelectorAll("tbody.contract")) {
    const { dataset } = row;
    row.hidden =
      (family && dataset.family !== family) ||
      (engine && !dataset.engines.split(" ").includes(engine)) ||
      (state && dataset.state !== state) ||
      (words && !row.rows[0].textContent.toLowerCase().includes(words));
    if (!row.hidden) families.add(dataset.family), shown++;
  }
  for (const head of document.querySelectorAll("tbody.family")) head.hidden = !families.has(head.id);
  form.querySelector("output").value = shown + " shown";
};
form.hidden = false;
form.addEventListener("input", narrow);
form.addEventListener("submit", (event) => event.preventDefault());
// A link to a contract that is filtered away takes the filter off.
addEventListener("hashchange", () => {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("tbody");
  if (row?.hidden) form.reset(), narrow(), row.scrollIntoView();
});
narrow();
