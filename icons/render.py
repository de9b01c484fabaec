#!/usr/bin/env python3
"""Renders every bitmap in this folder from its SVG. Run it after changing one; the results are committed.

Needs rsvg-convert (Debian: librsvg2-bin) and nothing else. `app/` is what bundles want, `tray/` what status bars
want, `marks/` what menus want. A tray picture is drawn light with a dark rim, readable on light and dark bars alike;
`-template` is black, for macOS, which colours it itself.
"""
import pathlib
import re
import struct
import subprocess

HERE = pathlib.Path(__file__).parent
TRAY = ["needs-you", "acknowledged", "working", "well", "offline", "focus"]
MARKS = {  # as in tokens.css, light theme: dark enough for a white menu, bright enough for a black one
    "failed": "#d0342a", "errored": "#d0342a", "blocked": "#8250df", "running": "#2f6fde", "working": "#2f6fde",
    "passed": "#2f8f4e", "ok": "#2f8f4e", "degraded": "#b7791f", "stale": "#b7791f", "unknown": "#8a8178",
}


def render(svg: str, size: int, target: pathlib.Path) -> None:
    target.parent.mkdir(exist_ok=True)
    png = subprocess.run(
        ["rsvg-convert", "-w", str(size), "-h", str(size), "-f", "png"], input=svg.encode(), capture_output=True, check=True
    ).stdout
    target.write_bytes(png)


def with_rim(svg: str) -> str:
    """Paints the picture near-white and puts a dark rim of a third of a pixel around it."""
    body = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.S).group(1)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22" color="#f4efe9"><defs><filter id="rim" x="-10%" y="-10%" '
        'width="120%" height="120%"><feMorphology in="SourceAlpha" operator="dilate" radius=".45" result="wide"/>'
        '<feFlood flood-color="#1d130c" flood-opacity=".72"/><feComposite in2="wide" operator="in" result="dark"/>'
        '<feMerge><feMergeNode in="dark"/><feMergeNode in="SourceGraphic"/></feMerge></filter></defs>'
        f'<g filter="url(#rim)">{body}</g></svg>'
    )


def coloured(svg: str, colour: str) -> str:
    return svg.replace("<svg ", f'<svg color="{colour}" ', 1)


def write_ico(target: pathlib.Path, sizes: list[int]) -> None:
    pictures = [(HERE / "app" / f"{size}x{size}.png").read_bytes() for size in sizes]
    offset = 6 + 16 * len(sizes)
    head = struct.pack("<HHH", 0, 1, len(sizes))
    for size, picture in zip(sizes, pictures):
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(picture), offset)
        offset += len(picture)
    target.write_bytes(head + b"".join(pictures))


def write_icns(target: pathlib.Path) -> None:
    kinds = [(b"icp4", 16), (b"icp5", 32), (b"ic07", 128), (b"ic08", 256), (b"ic09", 512), (b"ic11", 32), (b"ic12", 64),
             (b"ic13", 256), (b"ic14", 512)]
    body = b""
    for kind, size in kinds:
        picture = (HERE / "app" / f"{size}x{size}.png").read_bytes()
        body += kind + struct.pack(">I", len(picture) + 8) + picture
    target.write_bytes(b"icns" + struct.pack(">I", len(body) + 8) + body)


def main() -> None:
    app, small = (HERE / "app.svg").read_text(), (HERE / "app-16.svg").read_text()
    for size in [16, 24, 32, 48, 64, 128, 256, 512]:
        render(app if size >= 32 else small, size, HERE / "app" / f"{size}x{size}.png")
    write_ico(HERE / "app" / "icon.ico", [16, 24, 32, 48, 64, 256])
    write_icns(HERE / "app" / "icon.icns")
    for name in TRAY:
        for badge in ["", "-badge"]:
            svg = (HERE / f"tray-{name}{badge}.svg").read_text()
            for size in [16, 22, 24, 32, 44, 48]:
                render(with_rim(svg), size, HERE / "tray" / f"{name}{badge}-{size}.png")
        render((HERE / f"tray-{name}.svg").read_text(), 44, HERE / "tray" / f"{name}-template-44.png")
    for name, colour in MARKS.items():
        render(coloured((HERE / f"mark-{name}.svg").read_text(), colour), 16, HERE / "marks" / f"{name}.png")


main()
