"""What pictures, stickers and previews become."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from tests.workers.conversion import samples
from wagateway.contract import Problem
from workers.conversion.converter import Converter
from workers.conversion.jobs import Converted

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ORIENTATION = 0x0112


def _jpeg(path: Path, width: int, height: int, orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    samples.drawing(width, height).save(path, "JPEG", exif=exif)
    return path


def _red(image: Image.Image, x: int, y: int) -> bool:
    red, green, blue = image.convert("RGB").getpixel((x, y))
    return red > 150 and green < 90 and blue < 90


def _check_digest(converted: Converted) -> None:
    data = converted.path.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (converted.size, converted.sha256)


async def test_a_jpeg_stays_as_it_is_unless_less_is_asked_for(converter: Converter, tmp_path: Path) -> None:
    source = _jpeg(tmp_path / "upload", 1000, 800)

    converted = await converter.image(source, "image", compress=False, hd=False)

    assert (source, "image/jpeg", 1000, 800) == (
        converted.path, converted.mime_type, converted.width, converted.height,
    )  # fmt: skip
    assert (100, 80) == samples.size_of(converted.thumbnail)
    _check_digest(converted)


async def test_size_and_thumbnail_of_an_untouched_jpeg_are_upright(
    converter: Converter, tmp_path: Path
) -> None:
    converted = await converter.image(
        _jpeg(tmp_path / "upload", 1000, 500, orientation=6), "image", compress=False, hd=False
    )

    assert (500, 1000) == (converted.width, converted.height)
    assert (50, 100) == samples.size_of(converted.thumbnail)


@pytest.mark.parametrize(
    ("compress", "hd", "size"),
    [(True, False, (600, 1200)), (True, True, (1280, 2560)), (False, True, (1280, 2560))],
)
async def test_a_smaller_jpeg_is_upright(
    converter: Converter, tmp_path: Path, compress: bool, hd: bool, size: tuple[int, int]
) -> None:
    source = _jpeg(tmp_path / "upload", 3000, 1500, orientation=6)

    converted = await converter.image(source, "image", compress=compress, hd=hd)

    assert source != converted.path
    _check_digest(converted)
    with Image.open(converted.path) as image:
        assert ("JPEG", size) == (image.format, image.size)
        assert _ORIENTATION not in image.getexif()
        # It was turned a quarter to the right: left became top.
        assert [True, False] == [_red(image, size[0] // 2, 20), _red(image, size[0] // 2, size[1] - 20)]


async def test_a_small_picture_is_not_enlarged(converter: Converter, tmp_path: Path) -> None:
    converted = await converter.image(_jpeg(tmp_path / "upload", 300, 200), "image", compress=True, hd=False)
    assert (300, 200) == (converted.width, converted.height)


@pytest.mark.parametrize("kind", ["webp", "gif", "bmp", "avif"])
async def test_other_pictures_become_png(converter: Converter, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "upload"
    samples.drawing(120, 80).save(source, kind)

    converted = await converter.image(source, "image", compress=False, hd=False)

    assert ("image/png", 120, 80) == (converted.mime_type, converted.width, converted.height)
    with Image.open(converted.path) as image:
        assert ("PNG", (120, 80)) == (image.format, image.size)


async def test_what_is_transparent_turns_white_in_a_jpeg(converter: Converter, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(source, "PNG")

    converted = await converter.image(source, "image", compress=True, hd=False)

    with Image.open(converted.path) as image:
        assert (255, 255, 255) == image.getpixel((25, 25))


async def test_a_picture_becomes_a_static_sticker(converter: Converter, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    samples.drawing(800, 400).save(source, "PNG")

    converted = await converter.sticker(source, "sticker")

    assert ("image/webp", 512, 512, False) == (
        converted.mime_type, converted.width, converted.height, converted.animated,
    )  # fmt: skip
    assert converted.size <= 100_000
    with Image.open(converted.path) as image:
        assert ("WEBP", (512, 512), "RGBA") == (image.format, image.size, image.mode)
        assert 0 == image.getpixel((256, 10))[3]
        assert 255 == image.getpixel((256, 256))[3]


@pytest.mark.parametrize("name", ["upload.gif", "upload.png", "upload.webp"])
async def test_an_animation_becomes_an_animated_sticker(
    converter: Converter, tmp_path: Path, name: str
) -> None:
    source = samples.animation(tmp_path / name, (200, 120), 6)

    converted = await converter.sticker(source, "sticker")

    assert converted.animated
    assert source != converted.path
    with Image.open(converted.path) as image:
        assert ("WEBP", (512, 512), 6) == (image.format, image.size, image.n_frames)
        image.seek(5)
        image.load()
        assert 100 == image.info["duration"]


async def test_stickers_stay_as_they_are(converter: Converter, tmp_path: Path) -> None:
    static, animated = tmp_path / "static", tmp_path / "animated.webp"
    samples.drawing(512, 512, "RGBA").save(static, "WEBP")
    samples.animation(animated, (512, 512), 3)

    assert static == (await converter.sticker(static, "sticker")).path
    assert animated == (await converter.sticker(animated, "sticker")).path


async def test_a_large_animation_is_made_to_fit(converter: Converter, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    noise = [Image.effect_noise((256, 256), 200) for _ in range(12)]
    noise[0].save(source, "GIF", save_all=True, append_images=noise[1:], duration=100)

    converted = await converter.sticker(source, "sticker")

    assert converted.size <= 500 << 10
    with Image.open(converted.path) as image:
        assert image.n_frames > 1


async def test_an_animation_without_an_end_is_cut_after_ten_seconds(
    converter: Converter, tmp_path: Path
) -> None:
    source = samples.animation(tmp_path / "upload.gif", (400, 40), 60, milliseconds=500)

    converted = await converter.sticker(source, "sticker")

    with Image.open(converted.path) as image:
        assert 20 == image.n_frames


async def test_a_pdf_has_its_first_page_and_their_number(converter: Converter, tmp_path: Path) -> None:
    preview = await converter.thumbnail(samples.pdf(tmp_path / "upload", 3), "application/pdf")
    assert preview is not None
    assert (3, (150, 200)) == (preview.pages, samples.size_of(preview.thumbnail))


async def test_a_picture_as_a_document_has_a_preview(converter: Converter, tmp_path: Path) -> None:
    source = _jpeg(tmp_path / "upload", 800, 400)
    preview = await converter.thumbnail(source, "image/jpeg")
    assert preview is not None
    assert (800, 400, "image/jpeg", source) == (
        preview.width, preview.height, preview.mime_type, preview.path,
    )  # fmt: skip
    assert (200, 100) == samples.size_of(preview.thumbnail)


@pytest.mark.parametrize("mime_type", ["application/pdf", "image/jpeg", "text/plain", ""])
async def test_a_document_without_a_preview_is_no_error(
    converter: Converter, tmp_path: Path, mime_type: str
) -> None:
    source = tmp_path / "upload"
    source.write_bytes(b"%PDF-1.7 and nothing more")
    assert await converter.thumbnail(source, mime_type) is None


async def test_a_text_is_no_picture_whatever_its_name(converter: Converter, tmp_path: Path) -> None:
    source = tmp_path / "picture.jpg"
    source.write_text("not a picture")
    for refused in (
        converter.image(source, "image", compress=True, hd=False),
        converter.sticker(source, "sticker"),
    ):
        with pytest.raises(Problem, match="is not a picture") as caught:
            await refused
        assert (400, "VALIDATION_ERROR") == (caught.value.status, caught.value.code)


@pytest.mark.parametrize(
    ("size", "orientation", "edge"), [((3000, 1000), 1, 640), ((1000, 3000), 6, 640), ((300, 200), 1, 200)]
)
async def test_an_avatar_is_the_square_in_the_middle(
    converter: Converter, tmp_path: Path, size: tuple[int, int], orientation: int, edge: int
) -> None:
    converted = await converter.avatar(_jpeg(tmp_path / "upload", *size, orientation), "avatar")
    _check_digest(converted)
    with Image.open(converted.path) as image:
        assert ("JPEG", (edge, edge)) == (image.format, image.size)
        across = (
            (edge // 2, 9, edge // 2, edge - 9) if orientation == 6 else (9, edge // 2, edge - 9, edge // 2)
        )
        assert [True, False] == [_red(image, *across[:2]), _red(image, *across[2:])]


async def test_an_avatar_of_noise_is_small_too(converter: Converter, tmp_path: Path) -> None:
    Image.effect_noise((800, 800), 120).convert("RGB").save(tmp_path / "upload", "PNG")
    converted = await converter.avatar(tmp_path / "upload", "avatar")
    assert converted.size <= 100 << 10


async def test_an_avatar_that_is_no_picture_is_refused(converter: Converter, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"%PDF-1.4")
    with pytest.raises(Problem, match="avatar: is not a picture"):
        await converter.avatar(tmp_path / "upload", "avatar")
