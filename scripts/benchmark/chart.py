# SPDX-License-Identifier: Apache-2.0
"""A bar chart as SVG, readable on light and dark pages."""

from xml.sax.saxutils import escape

WIDTH = 720
LABELS = 250
ROW = 30
HEAD = 34


def bars(title, values):
    """One bar for each label; `values` maps labels to numbers."""
    most = max(values.values())
    height = HEAD + ROW * len(values) + 8
    lines = ["<!-- SPDX-License-Identifier: Apache-2.0 -->",
             f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"'
             ' font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             f'<text x="8" y="22" font-weight="bold" fill="#1a1a1a">{escape(title)}</text>']
    for place, (label, value) in enumerate(values.items()):
        top = HEAD + ROW * place
        length = (WIDTH - LABELS - 90) * value / most
        colour = "#1f6f54" if label.startswith("holdfast") else "#8a8f98"
        lines.append(f'<text x="{LABELS - 8}" y="{top + 18}" text-anchor="end" fill="#1a1a1a">{escape(label)}</text>')
        lines.append(f'<rect x="{LABELS}" y="{top + 4}" width="{length:.1f}" height="{ROW - 10}" fill="{colour}"/>')
        lines.append(f'<text x="{LABELS + length + 6:.1f}" y="{top + 18}" fill="#1a1a1a">{value:,.0f}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
