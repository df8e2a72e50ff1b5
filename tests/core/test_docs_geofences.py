"""`docs/geofences.md`: every example is read as it stands, every refusal has its message."""

import re
from pathlib import Path

import pytest
import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.shapes import MAX_VERTICES, read_shapes

PAGE = (Path(__file__).parents[2] / "docs" / "geofences.md").read_text(encoding="utf-8")
EXAMPLES = ["".join(lines) for lines in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
REFUSALS = re.findall(r"^\| `([^`]*[)}>])` \| `(.*)` \|$", PAGE, re.MULTILINE)
ACROSS = next(example for example in EXAMPLES if "170 40" in example)


@pytest.mark.parametrize(("example", "names"), [(0, 3), (1, 2), (2, 1), (3, 0)], ids=["GeoJSON", "KML", "WKT", "180"])
def test_an_example_is_read_as_it_stands(example: int, names: int) -> None:
    shapes = read_shapes("example", re.sub(r"^ {4}", "", EXAMPLES[example], flags=re.MULTILINE).encode())

    assert len([shape for shape in shapes if shape.name]) == names
    assert len(EXAMPLES) == 4


def test_the_forms_across_180_are_one_shape() -> None:
    shapes = [shapely.from_wkb(shape.wkb) for shape in read_shapes("forms", ACROSS.encode())]

    assert len(shapes) == 4
    assert all(shape.equals(shapes[-1]) for shape in shapes)


@pytest.mark.parametrize(("content", "message"), REFUSALS)
def test_what_is_refused_has_the_message_of_the_page(content: str, message: str) -> None:
    with pytest.raises(InvalidShape) as refused:
        read_shapes("it", content.encode())

    assert str(refused.value) == f"it: {message}"


def test_the_page_gives_the_limit_of_vertices() -> None:
    assert len(REFUSALS) == 18
    assert f"at most {MAX_VERTICES:,} vertices" in PAGE
