/** The class link for the projector. */

import { byId } from "../dom.js";

import "./plain.js";

document.getElementById("fullscreen")?.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("class").requestFullscreen();
});
