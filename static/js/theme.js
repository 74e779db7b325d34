/* Dark or light, projector or not: set before the page is drawn, so a classic script in the head. */
(() => {
  const root = document.documentElement;
  const wanted = localStorage.getItem("socketlab.theme");
  const dark = wanted ? wanted === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "dark" : "light";
  if (localStorage.getItem("socketlab.projector") === "on") root.dataset.projector = "on";
})();
