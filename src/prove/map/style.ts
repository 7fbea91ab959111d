/** The style sheet of the map: light, dark, printed, and with the colours of a reader's own. Nothing from outside stands in it. Pure. */
import { fontStack } from './advance-widths.ts'

/*
 * Blue, teal and red of Okabe and Ito's kind differ in lightness too; the shapes alone (full head, hollow head, dashes with a
 * cross) say the same without any colour. Contrast of all text is 4.5:1 at least, on every ground that it stands on.
 */
const light = `--ground:#fff;--text:#1b1f24;--faint:#545c66;--line:#d5dae0;--band:#f3f5f8;--card:#fff;--edge:#9aa4b0;
--tree:#b4bcc6;--publish:#005ea8;--send:#00695c;--deny:#b3141f;--deny-card:#fdf1f1;
--variable:#6a2c91;--wildcard:#8a4b00;--hot:#fff3c4`
const dark = `--ground:#14171b;--text:#e8ebef;--faint:#a9b2bd;--line:#343b44;--band:#1c2127;--card:#14171b;--edge:#68727e;
--tree:#56606b;--publish:#6db8f5;--send:#5cc9b5;--deny:#ff8a8a;--deny-card:#351a1d;
--variable:#d5a6f2;--wildcard:#f0b35e;--hot:#4a4112`
const forced = `--ground:Canvas;--text:CanvasText;--faint:CanvasText;--line:CanvasText;--band:Canvas;--card:Canvas;--edge:CanvasText;
--tree:CanvasText;--publish:CanvasText;--send:CanvasText;--deny:CanvasText;--deny-card:Canvas;--variable:CanvasText;
--wildcard:CanvasText;--hot:Canvas`

const page = `*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;padding:20px 16px 48px;max-width:1248px;background:var(--ground);color:var(--text);font:15px/1.5 ${fontStack}}
h1{font-size:24px;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:32px 0 8px}
p{margin:0 0 8px;max-width:90ch}
.lead{color:var(--faint);overflow-wrap:anywhere}
a{color:inherit}
nav ul{margin:0 0 12px;padding:0;list-style:none;columns:440px 2}
nav li{break-inside:avoid;overflow-wrap:anywhere;padding:1px 0}
.scroll{overflow-x:auto}
details{border-top:1px solid var(--line);margin:8px 0 16px}
summary{cursor:pointer;padding:8px 0;font-size:15px}
summary b{font-size:17px;overflow-wrap:anywhere}
summary:focus-visible,a:focus-visible{outline:3px solid var(--publish);outline-offset:2px}
table{border-collapse:collapse;table-layout:fixed;width:100%;min-width:1000px;margin-bottom:20px;font-size:13px;line-height:1.4}
caption{text-align:left;font-weight:bold;padding:6px 0;font-size:15px}
th,td{text-align:left;vertical-align:top;padding:4px 8px 4px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{color:var(--faint);font-weight:600}
tbody th{color:var(--text)}
tr:target{background:var(--hot)}
.deny-rule{color:var(--deny);white-space:nowrap}
.allow-rule{white-space:nowrap}
code{font:12px/1.5 ui-monospace,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;white-space:pre-wrap;unicode-bidi:isolate}
bdi{white-space:pre-wrap}`

const svg = `svg{display:block;font-family:${fontStack}}
svg a{text-decoration:none}
text{white-space:pre;fill:var(--text);direction:ltr}
tspan{unicode-bidi:isolate}
.name,.heading,.literal,.wildcard{font-weight:bold}
.heading,.faint{fill:var(--faint)}
.variable{fill:var(--variable);font-style:italic}
.wildcard{fill:var(--wildcard)}
.separator{fill:var(--faint)}
.deny{fill:var(--deny)}
rect{stroke-width:1}
.band{fill:var(--band)}
.node{fill:var(--card);stroke:var(--text)}
.card,.card-may,.chip,.chip-may,.identity{fill:var(--card);stroke:var(--edge)}
.card-may,.chip-may{stroke-dasharray:5 3}
.card-deny{fill:var(--deny-card);stroke:var(--deny)}
.number{fill:none;stroke:var(--edge)}
.line,.cross,.halo{fill:none;stroke-width:2}
.halo{stroke:var(--band);stroke-width:6}
.line.tree{stroke:var(--tree);stroke-width:1.5}
.line.publish{stroke:var(--publish)}
.line.send{stroke:var(--send)}
.line.deny{stroke:var(--deny);stroke-dasharray:4 3}
.cross{stroke:var(--deny);stroke-width:2.5}
.line.derived{stroke:var(--edge);stroke-width:1.5;stroke-dasharray:1.5 4;stroke-linecap:round}
.line.always,.line.may{stroke:var(--edge);stroke-width:1.5}
.line.may{stroke-dasharray:5 3}
.head{stroke-width:1.6;stroke-linejoin:round}
.head.publish{fill:var(--publish);stroke:var(--publish)}
.head.send{fill:var(--card);stroke:var(--send)}
.head.derived{fill:var(--card);stroke:var(--edge)}`

const paper = `@page{size:A4 landscape;margin:10mm}
@media print{:root{${light}}body{padding:0;max-width:none}svg{width:100%;height:auto;break-inside:avoid}
.scroll{overflow:visible}details::details-content{content-visibility:visible;display:block}
h2{margin:10px 0 4px}details{margin:0}summary{padding:2px 0}details>summary{break-after:avoid}tr,h2{break-inside:avoid}h2{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}`

/**
 * `roleClasses` are the classes of the roles: all that belongs to one lights up when something of it is pointed at.
 * @example styleSheet(['r0', 'r1'])
 */
export function styleSheet(roleClasses: readonly string[]): string {
  const hot = roleClasses.map(
    role =>
      `body:has(.${role}:hover) .${role}{--card:var(--hot);--deny-card:var(--hot)}body:has(.${role}:hover) tr.${role}{background:var(--hot)}`,
  )
  return [
    `:root{color-scheme:light dark;${light}}`,
    `@media (prefers-color-scheme:dark){:root{${dark}}}`,
    `@media (forced-colors:active){:root{${forced}}}`,
    page,
    svg,
    paper,
    `@media (hover:hover){${hot.join('\n')}}`,
  ].join('\n')
}
