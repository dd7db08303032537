// SPDX-License-Identifier: MIT
#pragma once

/// How the report looks: one column of text over a grid, two colours that colour-blind people can
/// tell apart, light or dark as the reader's system is, and light on paper.
namespace vit::report {

inline constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--ink:#1b2130;--muted:#667085;--line:#e3e7ee;--panel:#f6f7f9;
--blue:#2b6cb0;--orange:#d2691e;--on-fill:#fff;--cell:#f1f3f6}
@media (prefers-color-scheme:dark){:root{--bg:#11141a;--ink:#e6e9ef;--muted:#98a2b3;--line:#2b313c;
--panel:#191d25;--blue:#6aa9f0;--orange:#f09a55;--on-fill:#0d1015;--cell:#1b2029}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1088px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:26px;line-height:1.25;font-weight:650;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:20px;line-height:1.3;font-weight:650;margin:0 0 4px;letter-spacing:-.005em}
h3{font-size:15px;font-weight:600;margin:0 0 8px}
p{margin:0 0 12px}
.lead{color:var(--muted);max-width:74ch;margin:0 0 20px}
.small,figcaption,nav{font-size:13px;color:var(--muted)}
figcaption{margin-top:8px;line-height:1.45;max-width:78ch}
figure{margin:0;min-width:0}
section{border-top:1px solid var(--line);padding-top:28px;margin-top:44px}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:28px 0 0}
a{color:inherit;text-decoration:none}nav a:hover{color:var(--ink);text-decoration:underline}
.hero{display:grid;grid-template-columns:5fr 7fr;gap:28px 48px;align-items:center;
margin-top:28px}
.hero .value{font-size:76px;line-height:1;font-weight:700;letter-spacing:-.03em;color:var(--blue);
white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:18px 28px}
.aside .tiles{margin-bottom:24px}.stack{display:grid;gap:32px}
.tile{border-top:2px solid var(--line);padding-top:8px}
.tile b{display:block;font-size:20px;line-height:1.3;font-weight:650;white-space:nowrap}
.tile span{font-size:13px;color:var(--muted)}
.note{border-left:3px solid var(--orange);background:var(--panel);padding:8px 14px;margin:0 0 20px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:32px}
.split{display:grid;grid-template-columns:7fr 5fr;gap:32px 48px;align-items:start}
.aside{display:grid;grid-template-columns:360px 1fr;gap:32px 56px;align-items:start}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{pointer-events:none;font-size:11px;fill:var(--muted);font-family:inherit}
svg .strong{fill:var(--ink);font-weight:600}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--muted);stroke-width:1}
.c1{--c:var(--blue)}.c2{--c:var(--orange)}.c3{--c:var(--muted)}
.curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.dash{stroke-dasharray:2 5}
.dot{fill:var(--c);stroke:var(--bg);stroke-width:1.5}.dot.quiet{opacity:0}.dot:hover{opacity:1;r:5}
svg .end{fill:var(--c);font-weight:600}
.fill{fill:var(--c)}.cell{fill:var(--cell)}.right{fill:var(--blue)}.wrong{fill:var(--orange)}
svg .number{fill:var(--ink);text-anchor:middle}svg .on{fill:var(--on-fill);font-weight:600}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:5px 12px;
align-items:center;font-size:13px}
.track{height:12px;background:var(--cell);border-radius:2px;overflow:hidden}
.track i{display:block;height:100%;background:var(--blue);border-radius:2px}
.track.warm i{background:var(--orange)}
.many{columns:4 220px;column-gap:32px}
.many .row{display:grid;grid-template-columns:104px 1fr 40px;gap:8px;align-items:center;
font-size:12px;line-height:1.6;break-inside:avoid}
.many .track{height:7px}
.row span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.r{text-align:right}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:18px 14px}
.pictures figcaption{margin-top:5px;line-height:1.35;font-size:12px}
img{display:block;width:100%;height:auto;border-radius:3px}
.pictures b,.maps b{color:var(--ink);font-weight:600}
.pictures .bad{color:var(--orange);font-weight:600}
.maps{display:grid;gap:8px;align-items:center;font-size:12px;color:var(--muted)}
.maps .head{text-align:center;line-height:1.3;align-self:end}
.tiles-small{display:grid;gap:6px}.tiles-small img{border-radius:1px}
.crisp{image-rendering:pixelated}
.legend{display:flex;align-items:center;gap:10px;font-size:12px;color:var(--muted);margin-top:10px}
.legend i{display:block;width:160px;height:9px;border-radius:2px}
table{border-collapse:collapse;width:100%;font-size:13px}
th{text-align:left;font-weight:600;color:var(--muted);white-space:nowrap}
th,td{padding:5px 16px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}tr.total td{font-weight:650}
.indent{color:var(--muted)}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--panel);padding:12px 16px;margin:0 0 24px;border-radius:4px;
white-space:pre-wrap;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:3px 20px;font-size:13px;margin:0}
.facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--muted);font-size:13px;margin-bottom:8px}
@media (max-width:760px){main{padding:24px 16px 40px}.hero,.split,.aside{grid-template-columns:1fr}
.hero .value{font-size:60px}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.columns{grid-template-columns:1fr}section{margin-top:32px;padding-top:22px}}
@media print{:root{--bg:#fff;--ink:#1b2130;--muted:#5b6472;--line:#d9dee6;--panel:#f6f7f9;
--blue:#2b6cb0;--orange:#c8601a;--on-fill:#fff;--cell:#f1f3f6;color-scheme:light}
body{font-size:12px}nav{display:none}main{padding:0;max-width:none}
figure,.row,tr{break-inside:avoid}h2,h3,.lead{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)css";

}  // namespace vit::report
