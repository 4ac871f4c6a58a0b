// Copies and bundles what the desk has from npm. Run by `make assets`, in this folder, after `npm ci`.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const VENDOR = "../moderation/static/vendor";
const ICONS = readFileSync("icons.txt", "utf8").trim().split("\n");

await build({
  entryPoints: ["charts.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  banner: { js: "/*! ECharts 6.1.0 (Apache-2.0), parts of it; see NOTICE */" },
  outfile: `${VENDOR}/echarts.min.js`,
});

copyFileSync("node_modules/htmx.org/dist/htmx.min.js", `${VENDOR}/htmx.min.js`);
copyFileSync("node_modules/axe-core/axe.min.js", "../tests/browser/axe.min.js");

const symbols = ICONS.map((name) => {
  const svg = readFileSync(`node_modules/lucide-static/icons/${name}.svg`, "utf8");
  const drawing = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  return `<symbol id="${name}" viewBox="0 0 24 24">${drawing.replace(/\s+/g, " ").trim()}</symbol>`;
});
const strokes = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
writeFileSync(
  `${VENDOR}/icons.svg`,
  `<!-- Lucide 1.62.0 (ISC), the icons named in assets/icons.txt; see NOTICE -->\n` +
    `<svg xmlns="http://www.w3.org/2000/svg" ${strokes}>\n${symbols.join("\n")}\n</svg>\n`,
);
