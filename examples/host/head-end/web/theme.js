// Runs before the first paint, so that a remembered theme never flashes the other one.
(() => {
  const remembered = localStorage.getItem("theme");
  if (remembered === "light" || remembered === "dark") {
    document.documentElement.dataset.theme = remembered;
  }
})();
