import pytest

from vesselflow.cli._many import spread


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--many a b --one c", "--many a --many b --one c"),
        ("--one c --many a --many b c", "--one c --many a --many b --many c"),
        ("--many=a b", "--many=a --many b"),
        ("--many - a --flag", "--many - --many a --flag"),
        ("--one a b", "--one a b"),
        ("--many --flag a", "--many --flag a"),
        ("", ""),
    ],
)
def test_values_go_on_to_the_next_option(given: str, expected: str) -> None:
    assert spread(given.split(), {"--many"}) == expected.split()
