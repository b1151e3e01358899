"""Makes the pictures of this folder and, with Pillow, what they must decode and resize to. See README.md."""

import os
import struct
import subprocess
import sys
import tempfile
import zlib

from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
W, H = 24, 17


def noise(seed):
    state = seed
    while True:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield (state >> 16) & 0xFF


def picture(width, height, seed, amount=6):
    """A gradient with two hard edges and some noise."""
    rnd = noise(seed)
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            r = 255 * x // max(1, width - 1)
            g = 255 * y // max(1, height - 1)
            b = 220 if (x * 3 > width) != (y * 2 > height) else 30
            image.putpixel((x, y), tuple(max(0, min(255, v + next(rnd) // (256 // amount) - amount // 2)) for v in (r, g, b)))
    return image


def folder(name):
    path = os.path.join(HERE, name)
    os.makedirs(path, exist_ok=True)
    return path


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, bits, colour, rows, extra=(), interlace=False):
    """rows: per row a list of samples, channels interleaved."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    height, width = len(rows), len(rows[0]) // channels

    def packed(row):
        if bits == 16:
            return b"".join(struct.pack(">H", v) for v in row)
        out, acc, used = bytearray(), 0, 0
        for v in row:
            acc, used = (acc << bits) | v, used + bits
            if used == 8:
                out.append(acc)
                acc = used = 0
        if used:
            out.append(acc << (8 - used))
        return bytes(out)

    raw = b""
    passes = [(0, 0, 1, 1)]
    if interlace:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x0, y0, dx, dy in passes:
        for y in range(y0, height, dy):
            row = [v for x in range(x0, width, dx) for v in rows[y][x * channels : (x + 1) * channels]]
            if row:
                raw += b"\0" + packed(row)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlace))))
        for kind, data in extra:
            file.write(chunk(kind, data))
        file.write(chunk(b"IDAT", zlib.compress(raw, 9)))
        file.write(chunk(b"IEND", b""))


def make_pngs(out):
    rgb = picture(W, H, 1)
    data = [[rgb.getpixel((x, y)) for x in range(W)] for y in range(H)]
    deep = lambda v, x: v << 8 | (x * 37 & 255)  # low bytes that must not show
    alpha = lambda x, y: (x * 11 + y * 5) % 256
    p = lambda name: os.path.join(out, name)
    png(p("rgb8.png"), 8, 2, [[v for c in r for v in c] for r in data])
    png(p("rgb8_interlaced.png"), 8, 2, [[v for c in r for v in c] for r in data], interlace=True)
    png(p("rgb8_gamma.png"), 8, 2, [[v for c in r for v in c] for r in data], [(b"gAMA", struct.pack(">I", 100000))])
    png(p("rgb8_transparent_colour.png"), 8, 2, [[v for c in r for v in c] for r in data],
        [(b"tRNS", struct.pack(">HHH", *data[3][3]))])
    png(p("rgb16.png"), 16, 2, [[deep(v, x) for x, c in enumerate(r) for v in c] for r in data])
    png(p("rgba8.png"), 8, 6, [[v for x, c in enumerate(r) for v in (*c, alpha(x, y))] for y, r in enumerate(data)])
    png(p("rgba16.png"), 16, 6,
        [[v for x, c in enumerate(r) for v in (*(deep(s, x) for s in c), alpha(x, y) * 257)] for y, r in enumerate(data)])
    for bits in (1, 2, 4, 8):
        rows = [[c[0] >> (8 - bits) for c in r] for r in data]
        png(p(f"grey{bits}.png"), bits, 0, rows)
        count = 1 << bits
        palette = bytes(v for i in range(count) for v in (255 - i * 255 // (count - 1), (i * 91) % 256, i * 200 // count))
        png(p(f"palette{bits}.png"), bits, 3, rows, [(b"PLTE", palette)])
    png(p("palette8_transparent.png"), 8, 3, rows, [(b"PLTE", palette), (b"tRNS", bytes(range(0, 200, 2)))])
    png(p("grey4_interlaced.png"), 4, 0, [[c[0] >> 4 for c in r] for r in data], interlace=True)
    png(p("grey8_transparent_grey.png"), 8, 0, rows, [(b"tRNS", struct.pack(">H", rows[2][5]))])
    png(p("grey_alpha8.png"), 8, 4, [[v for x, c in enumerate(r) for v in (c[1], alpha(x, y))] for y, r in enumerate(data)])
    png(p("grey_alpha16.png"), 16, 4,
        [[v for x, c in enumerate(r) for v in (deep(c[1], x), alpha(x, y) * 257)] for y, r in enumerate(data)])
    png(p("grey16.png"), 16, 0, [[deep(c[1], x) for x, c in enumerate(r)] for r in data])


def run(command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def without_segment(jpeg, marker):
    at, out = 2, jpeg[:2]
    while jpeg[at + 1] != 0xDA:
        size = 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if jpeg[at + 1] != marker:
            out += jpeg[at : at + size]
        at += size
    return out + jpeg[at:]


def make_jpegs(out):
    rgb = picture(W, H, 2)
    p = lambda name: os.path.join(out, name)
    rgb.save(p("420.jpg"), quality=90, subsampling="4:2:0")
    rgb.save(p("422.jpg"), quality=90, subsampling="4:2:2")
    rgb.save(p("444.jpg"), quality=90, subsampling="4:4:4")
    rgb.save(p("progressive.jpg"), quality=90, progressive=True)
    rgb.convert("L").save(p("grey.jpg"), quality=90)
    cmyk = Image.merge("CMYK", [c.point(lambda v: 255 - v) for c in rgb.split()] + [picture(W, H, 3).split()[0].point(lambda v: v // 3)])
    cmyk.save(p("cmyk.jpg"), quality=90)
    with open(p("cmyk.jpg"), "rb") as file:
        plain = without_segment(file.read(), 0xEE)
    with open(p("cmyk_no_adobe.jpg"), "wb") as file:
        file.write(plain)
    with open(p("444.jpg"), "rb") as file:
        plain = without_segment(file.read(), 0xE0)
    with open(p("ycc_no_jfif.jpg"), "wb") as file:
        file.write(plain)
    # bytes between two segments that belong to neither; cameras write such files
    with open(p("444.jpg"), "rb") as file:
        jpeg = file.read()
    with open(p("stray_bytes.jpg"), "wb") as file:
        at = 4 + struct.unpack(">H", jpeg[4:6])[0]
        file.write(jpeg[:at] + b"\0\0\0\0" + jpeg[at:])
    with tempfile.TemporaryDirectory() as work:
        ppm = os.path.join(work, "in.ppm")
        rgb.save(ppm)
        for name, options in (("rgb.jpg", ["-rgb"]), ("440.jpg", ["-sample", "1x2"]), ("restarts.jpg", ["-restart", "1"]),
                              ("411.jpg", ["-sample", "4x1"])):
            with open(p(name), "wb") as file:
                file.write(run(["cjpeg", "-quality", "90", *options, ppm]))
        ycck = os.path.join(work, "ycck")
        run(["cc", os.path.join(HERE, "ycck.c"), "-ljpeg", "-o", ycck])
        inverted = bytes(255 - v for v in cmyk.tobytes())
        with open(p("ycck.jpg"), "wb") as file:
            file.write(run([ycck, str(W), str(H)], inverted))


def make_webps(out):
    rgb = picture(W, H, 4)
    alpha = Image.new("L", (W, H))
    alpha.putdata([(i * 7) % 256 for i in range(W * H)])
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    profile = srgb_like_profile()
    p = lambda name: os.path.join(out, name)
    rgb.save(p("lossy.webp"), quality=80, method=6)
    picture(67, 45, 5).save(p("lossy_large.webp"), quality=50, method=6)
    smooth = picture(4, 3, 10).resize((96, 80), Image.Resampling.BICUBIC)
    smooth.save(p("lossy_smooth.webp"), quality=60, method=6)
    rgb.save(p("lossless.webp"), lossless=True, method=6)
    rgb.quantize(6).convert("RGB").save(p("lossless_palette.webp"), lossless=True, method=6)
    rgba.save(p("lossy_alpha.webp"), quality=80, method=6)
    rgba.save(p("lossless_alpha.webp"), lossless=True, exact=True, method=6)
    rgb.save(p("lossless_profile.webp"), lossless=True, method=6, icc_profile=profile)
    rgb.save(p("lossy_profile.webp"), quality=80, method=6, icc_profile=profile)
    rgb.save(p("animated.webp"), save_all=True, append_images=[picture(W, H, 6)], lossless=True, duration=100)
    Image.new("RGB", (1, 1), (200, 100, 50)).save(p("one_pixel.webp"), lossless=True)
    rgb.save(os.path.join(out, "rgb_profile.png"), icc_profile=profile)
    rgb.save(os.path.join(out, "profile.jpg"), quality=90, icc_profile=profile)
    rgb.convert("L").save(os.path.join(out, "grey_profile.jpg"), quality=90, icc_profile=grey_profile())


def curve_tag(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IHH", 1, int(gamma * 256), 0)


def xyz_tag(x, y, z):
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(int(v * 65536) for v in (x, y, z)))


def icc(space, tags):
    text = b"test\0"
    tags = [(b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)),
            (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", xyz_tag(0.9642, 1.0, 0.8249))] + tags
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", at, len(data))
        at, body = at + len(data), body + data
    header = struct.pack(">I4sI4s4s4s", at, b"none", 0x02100000, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    header += bytes(68 - len(header)) + struct.pack(">iii", 63190, 65536, 54061)
    return header + bytes(128 - len(header)) + struct.pack(">I", len(tags)) + table + body


def srgb_like_profile():
    """Primaries turned round and gamma 1.0: a reader that applies it shows at once."""
    xyz = {b"gXYZ": (0.4361, 0.2225, 0.0139), b"rXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}
    return icc(b"RGB ", [(k, xyz_tag(*v)) for k, v in xyz.items()] + [(c + b"TRC", curve_tag(1.0)) for c in (b"r", b"g", b"b")])


def grey_profile():
    return icc(b"GRAY", [(b"kTRC", curve_tag(1.0))])


def bmp(path, bits, compression, data, palette=b"", masks=b"", height=H):
    offset = 14 + 40 + len(masks) + len(palette)
    with open(path, "wb") as file:
        file.write(b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset))
        file.write(struct.pack("<IiiHHIIiiII", 40, W, height, 1, bits, compression, len(data), 2835, 2835, len(palette) // 4, 0))
        file.write(masks + palette + data)


def make_bmps(out):
    rgb = picture(W, H, 7)
    p = lambda name: os.path.join(out, name)
    rgb.save(p("24.bmp"))
    rgb.convert("L").save(p("grey8.bmp"))
    rgb.convert("1").save(p("1.bmp"))
    rgb.quantize(200).save(p("palette8.bmp"))
    pixels = [[rgb.getpixel((x, y)) for x in range(W)] for y in range(H)]
    bmp(p("24_top_down.bmp"), 24, 0, b"".join(bytes((b, g, r)) for row in pixels for r, g, b in row), height=-H)
    bmp(p("32.bmp"), 32, 0, b"".join(bytes((b, g, r, 77)) for row in reversed(pixels) for r, g, b in row))
    bmp(p("555.bmp"), 16, 0,
        b"".join(struct.pack("<H", (r >> 3) << 10 | (g >> 3) << 5 | b >> 3) for row in reversed(pixels) for r, g, b in row))
    bmp(p("565.bmp"), 16, 3,
        b"".join(struct.pack("<H", (r >> 3) << 11 | (g >> 2) << 5 | b >> 3) for row in reversed(pixels) for r, g, b in row),
        masks=struct.pack("<III", 0xF800, 0x07E0, 0x001F))
    palette = b"".join(bytes((i * 16, 255 - i * 9, (i * 50) % 256, 0)) for i in range(16))
    rows = [[c[0] >> 4 for c in row] for row in reversed(pixels)]
    bmp(p("palette4.bmp"), 4, 0, b"".join(bytes(row[x] << 4 | row[x + 1] for x in range(0, W, 2)) for row in rows), palette)
    rle = b""
    for row in rows:
        x = 0
        while x < W:
            run_length = 1
            while x + run_length < W and row[x + run_length] == row[x]:
                run_length += 1
            rle += bytes((run_length, row[x]))
            x += run_length
        rle += b"\0\0"
    bmp(p("rle8.bmp"), 8, 1, rle[:-2] + b"\0\1", palette)


def make_turned(out):
    """The tag alone, in each container; tests add it to JPEG for every value."""
    rgb = picture(W, H, 9)
    exif = Image.Exif()
    for orientation, name, options in ((5, "turned.jpg", {}), (6, "turned.png", {}), (7, "turned.webp", {"lossless": True})):
        exif[0x0112] = orientation
        rgb.save(os.path.join(out, name), exif=exif, **options)


def xmp(orientation, as_element=False):
    """A packet as editors write it, in their two notations."""
    attribute = "" if as_element else f' tiff:Orientation="{orientation}"'
    element = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if as_element else ""
    return ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{attribute}>{element}</rdf:Description>'
            "</rdf:RDF></x:xmpmeta>").encode()


def exif(orientation=None):
    block = Image.Exif()
    block[0x0131] = "a program"
    if orientation is not None:
        block[0x0112] = orientation
    return block.tobytes()


def raw_profile(block):
    digits = block.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    return f"\nexif\n{len(block):8d}\n".encode() + "\n".join(lines).encode() + b"\n"


def text_chunk(kind, keyword, text):
    if kind == b"zTXt":
        return kind, keyword + b"\0\0" + zlib.compress(text)
    if kind == b"iTXt":
        return kind, keyword + b"\0\0\0en\0" + keyword + b"\0" + text
    if kind == b"iTXt compressed":
        return b"iTXt", keyword + b"\0\1\0\0\0" + zlib.compress(text)
    return kind, keyword + b"\0" + text


def make_oriented(out):
    """Every place that the orientation may stand in, and which of two wins."""
    rgb = picture(W, H, 11)
    p = lambda name: os.path.join(out, name)
    plain = tempfile.NamedTemporaryFile(suffix=".jpg")
    rgb.save(plain.name, quality=90, subsampling="4:4:4")
    with open(plain.name, "rb") as file:
        jpeg = file.read()

    def app1(data):
        return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data

    packet = b"http://ns.adobe.com/xap/1.0/\0"
    for name, orientation, segments in (
            ("xmp_attribute.jpg", 6, [packet + xmp(6)]),
            ("xmp_element.jpg", 8, [packet + xmp(8, as_element=True)]),
            ("xmp_beside_exif.jpg", 3, [exif(3), packet + xmp(6)]),
            ("xmp_beside_other_exif.jpg", 5, [exif(), packet + xmp(5)]),
            ("xmp_beside_exif_0.jpg", 1, [packet + xmp(6), exif(0)]),
            ("xmp_twice.jpg", 7, [packet + xmp(2), packet + xmp(7)]),
            ("exif_in_two_segments.jpg", 4, [exif(4)[:20], b"Exif\0\0" + exif(4)[20:]])):
        ORIENTED[name] = orientation
        with open(p(name), "wb") as file:
            file.write(jpeg[:2] + b"".join(app1(segment) for segment in segments) + jpeg[2:])

    rows = [[v for x in range(W) for v in rgb.getpixel((x, y))] for y in range(H)]
    raw, adobe = b"Raw profile type exif", b"XML:com.adobe.xmp"
    for name, orientation, chunks in (
            ("xmp_itxt.png", 7, [text_chunk(b"iTXt", adobe, xmp(7))]),
            ("xmp_itxt_compressed.png", 2, [text_chunk(b"iTXt compressed", adobe, xmp(2, as_element=True))]),
            ("xmp_text.png", 4, [text_chunk(b"tEXt", adobe, xmp(4))]),
            ("raw_exif_compressed.png", 5, [text_chunk(b"zTXt", raw, raw_profile(exif(5)))]),
            ("raw_exif_text.png", 6, [text_chunk(b"tEXt", raw, raw_profile(exif(6)))]),
            ("raw_exif_itxt.png", 8, [text_chunk(b"iTXt", raw, raw_profile(exif(8)[6:]))]),
            ("raw_exif_beside_exif.png", 6, [(b"eXIf", exif(6)[6:]), text_chunk(b"zTXt", raw, raw_profile(exif(3)))]),
            ("raw_exif_beside_xmp.png", 3, [text_chunk(b"iTXt", adobe, xmp(5)), text_chunk(b"zTXt", raw, raw_profile(exif(3)))]),
            ("exif_with_marker.png", 8, [(b"eXIf", exif(8))])):
        ORIENTED[name] = orientation
        png(p(name), 8, 2, rows, chunks)
    ORIENTED["raw_exif_behind_pixels.png"] = 6
    with open(p("raw_exif_text.png"), "rb") as file:
        data = file.read()
    moved = chunk(*text_chunk(b"tEXt", raw, raw_profile(exif(6))))
    with open(p("raw_exif_behind_pixels.png"), "wb") as file:
        file.write(data.replace(moved, b"")[:-12] + moved + data[-12:])

    for name, orientation, options in (
            ("xmp.webp", 6, {"xmp": xmp(6)}),
            ("xmp_beside_exif.webp", 8, {"xmp": xmp(6), "exif": exif(8)}),
            ("xmp_beside_other_exif.webp", 2, {"xmp": xmp(2), "exif": exif()})):
        ORIENTED[name] = orientation
        rgb.save(p(name), lossless=True, **options)


def make_lossless_webps(out):
    """Palettes of every packing, with indices beyond them, predictors, colour caches, and colours under transparency."""
    rnd = noise(12)
    for colours in (1, 2, 3, 4, 5, 16, 17, 100, 256):
        palette = [tuple(next(rnd) for _ in range(4)) for _ in range(colours)]
        image = Image.new("RGBA", (37, 23))
        image.putdata([palette[(x * x + y * 3 + (next(rnd) < 20) * next(rnd)) % colours] for y in range(23) for x in range(37)])
        image.save(os.path.join(out, f"lossless_{colours}_colours.webp"), lossless=True, exact=True, method=colours % 7)
    shape = picture(53, 40, 13)
    shape.putalpha(Image.radial_gradient("L").resize((53, 40)).point(lambda v: 255 if v < 120 else 0))
    shape.save(os.path.join(out, "lossless_shape.webp"), lossless=True)
    shape.save(os.path.join(out, "lossless_shape_exact.webp"), lossless=True, exact=True)
    flat = Image.new("RGBA", (53, 40), (255, 255, 255, 0))
    flat.paste((200, 30, 40, 255), (10, 5, 30, 35))
    flat.paste((20, 30, 240, 130), (20, 15, 50, 30))
    flat.save(os.path.join(out, "lossless_flat_shapes.webp"), lossless=True)
    for size in ((1, 40), (53, 1), (130, 3)):
        image = picture(*size, seed=14, amount=100)
        image.putalpha(Image.new("L", size, 77))
        image.save(os.path.join(out, f"lossless_{size[0]}x{size[1]}.webp"), lossless=True, exact=True, method=6)
    # one colour and nothing else: no bits are left for the pixels
    Image.new("RGBA", (53, 1)).save(os.path.join(out, "lossless_transparent.webp"), lossless=True, quality=100, method=6)
    tiles = Image.new("RGBA", (96, 64))
    tiles.putdata([((x * 9) % 256, (x * y) % 256, y, 255 * (x // 20 % 2)) if (x // 24 + y // 16) % 2 else
                   ((x // 7) * 40 % 256, (y // 5) * 60 % 256, 7, 90) for y in range(64) for x in range(96)])
    for quality, method in ((0, 0), (50, 4), (100, 6)):
        tiles.save(os.path.join(out, f"lossless_tiles_{method}.webp"), lossless=True, exact=True, quality=quality, method=method)


def make_interlaced_pngs(out):
    rgb = picture(W, H, 15)
    p = lambda name: os.path.join(out, name)
    rows = [[v for x in range(W) for v in (*rgb.getpixel((x, y)), (x * y) % 256)] for y in range(H)]
    png(p("rgba8_interlaced.png"), 8, 6, rows, interlace=True)
    index = [[rgb.getpixel((x, y))[0] >> 4 for x in range(W)] for y in range(H)]
    colours = [(b"PLTE", bytes(next_ for i in range(16) for next_ in (i * 16, 255 - i * 9, i * 50 % 256))), (b"tRNS", bytes(range(0, 160, 10)))]
    png(p("palette4_transparent_interlaced.png"), 4, 3, index, colours, interlace=True)
    png(p("rgb16_interlaced.png"), 16, 2, [[v << 8 | 255 - v for x in range(W) for v in rgb.getpixel((x, y))] for y in range(H)], interlace=True)
    for width, height in ((1, 1), (2, 3), (5, 1), (1, 6)):
        png(p(f"grey8_interlaced_{width}x{height}.png"), 8, 0, [[10 + 20 * x + 31 * y for x in range(width)] for y in range(height)], interlace=True)


TRANSPOSE = [None, None, *(getattr(Image.Transpose, name) for name in (
    "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"))]
ORIENTED = {}


def oriented(name, image):
    """As `exif_transpose` of Pillow 12: 9.4 does not know XMP outside PNG, nor EXIF in several segments."""
    image = image.convert("RGB")
    return image if ORIENTED[name] == 1 else image.transpose(TRANSPOSE[ORIENTED[name]])


def expect(out):
    for name in sorted(os.listdir(out)):
        if name.endswith(".ppm"):
            continue
        image = Image.open(os.path.join(out, name))
        if name == "grey16.png":  # Pillow clips 16-bit grey to 255 instead of scaling it
            rgb = Image.merge("RGB", [Image.frombytes("L", image.size, bytes(v >> 8 for v in image.getdata()))] * 3)
        elif name in ORIENTED:
            rgb = oriented(name, image)
        else:
            rgb = ImageOps.exif_transpose(image).convert("RGB")
        rgb.save(os.path.join(out, name + ".ppm"))


def make_resized(out):
    for name, size in (("photo", (41, 29)), ("thin", (17, 3)), ("dot", (1, 1)), ("noise", (64, 64))):
        picture(*size, seed=8, amount=256 if name == "noise" else 24).save(os.path.join(out, name + ".ppm"))
    targets = {
        "photo": [(20, 14), (64, 48), (41, 10), (10, 29), (7, 100), (1, 1), (16, 16)],
        "thin": [(3, 17), (34, 6), (1, 1), (16, 16), (200, 3)],
        "dot": [(5, 7), (1, 40)],
        "noise": [(4, 4), (63, 65), (1, 64), (64, 1), (32, 32), (300, 2)],
    }
    for name, sizes in targets.items():
        image = Image.open(os.path.join(out, name + ".ppm"))
        for size in sizes:
            for filter_name in ("BILINEAR", "BICUBIC"):
                resized = image.resize(size, getattr(Image.Resampling, filter_name))
                resized.save(os.path.join(out, f"{name}_{size[0]}x{size[1]}_{filter_name.lower()}.ppm"))


if __name__ == "__main__":
    decode = folder("decode")
    make_pngs(decode)
    make_jpegs(decode)
    make_webps(decode)
    make_bmps(decode)
    make_turned(decode)
    make_oriented(decode)
    make_lossless_webps(decode)
    make_interlaced_pngs(decode)
    expect(decode)
    make_resized(folder("resize"))
    print("Pillow", __import__("PIL").__version__, file=sys.stderr)
