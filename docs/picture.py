"""The README's picture: two lines of code beside the app that they end in.

python docs/picture.py
"""

import io
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageOps
from pygments import highlight
from pygments.formatters import ImageFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parents[1]
SCREEN = ROOT / "android_demo" / "pictures" / "conversation.png"
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
CODE = """\
model = ...  # any Keras model

train = kr.expand(model, expansion=4)
train.fit(speech, emotions)
light = kr.merge(train)

kr.export_tflite(light, "ser.tflite")
"""
# The lines of it that are this project's.
OURS = (3, 5)
WIDTH, HEIGHT, MARGIN = 1000, 560, 28
PAPER, EDGE = "#eef3f6", "#c3ccd4"


def main() -> None:
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    screen = Image.open(SCREEN).convert("RGB")
    screen = screen.crop((0, 0, screen.width - 4, HEIGHT - 2 * MARGIN))
    screen = ImageOps.expand(screen, border=3, fill=EDGE)
    left = WIDTH - screen.width - MARGIN
    picture.paste(screen, (left, (HEIGHT - screen.height) // 2))
    form = ImageFormatter(
        font_name=str(FONT),
        font_size=23,
        style="one-dark",
        line_numbers=False,
        line_pad=9,
        image_pad=26,
        hl_lines=OURS,
        hl_color="#3e4b61",
    )
    code = Image.open(io.BytesIO(highlight(CODE, PythonLexer(), form))).convert("RGB")
    room = left - 2 * MARGIN
    code = code.resize((room, round(code.height * room / code.width)), Image.LANCZOS)
    picture.paste(code, (MARGIN, (HEIGHT - code.height) // 2))
    arrow = ImageDraw.Draw(picture)
    x, y = left - MARGIN + 4, HEIGHT // 2
    arrow.polygon([(x, y - 14), (x + 20, y), (x, y + 14)], fill="#0d6e6e")
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(
        ROOT / "docs" / "pictures" / "first.png", optimize=True
    )


if __name__ == "__main__":
    main()
