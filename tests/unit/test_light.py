"""Graphics on HDR are as bright as BT.2408 has them, and their colours stay colours."""

from itertools import pairwise, product

import pytest

from render_job.light import POINTS, as_srgb, cube, numbers, white
from schemas.media import HLG, PQ


@pytest.mark.parametrize(("transfer", "wanted"), [(PQ, 0.58), (HLG, 0.75)])
def test_white_is_the_reference_white(transfer: int, wanted: float) -> None:
    """BT.2408, table 1, in percent of the signal."""
    assert numbers((1, 1, 1), transfer) == pytest.approx([wanted] * 3, abs=0.005)
    assert white(transfer) == pytest.approx(255 * wanted, abs=1.3)
    assert white(None) == 255


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_black_stays_black_grey_stays_grey_and_more_light_is_a_larger_number(
    transfer: int,
) -> None:
    assert numbers((0, 0, 0), transfer) == pytest.approx([0] * 3, abs=1e-6)
    greys = [numbers((n / 99,) * 3, transfer) for n in range(100)]
    assert all(max(grey) - min(grey) < 0.001 for grey in greys)
    assert all(one[0] < other[0] for one, other in pairwise(greys))


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("main", range(3))
def test_a_colour_of_srgb_is_a_duller_one_of_wider_primaries(transfer: int, main: int) -> None:
    light = [0, 0, 0]
    light[main] = 1
    found = numbers(light, transfer)
    assert found[main] == max(found)
    assert all(0 < number < 1 for number in found)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_the_table_is_fine_enough_for_eight_bits(transfer: int) -> None:
    """Half way between the points of its grey diagonal, where a straight line is furthest off.

    But for the first step, which is darker than half a candela.
    """
    lines = cube(transfer).splitlines()
    assert lines[0] == f"LUT_3D_SIZE {POINTS}"
    assert len(lines) == 1 + POINTS**3
    rows = [tuple(map(float, line.split())) for line in lines[1:]]
    assert all(0 <= number <= 1 for row in rows for number in row)
    diagonal = [rows[n * (1 + POINTS + POINTS**2)][0] for n in range(POINTS)]
    for n, (one, other) in list(enumerate(pairwise(diagonal)))[1:]:
        number = (n + 0.5) / (POINTS - 1)
        light = number / 12.92 if number <= 0.04045 else ((number + 0.055) / 1.055) ** 2.4
        exact = numbers((light,) * 3, transfer)[0]
        assert abs((one + other) / 2 - exact) < 1 / 255, n


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("colour", [(0, 0, 0), (0.5, 0.5, 0.5), (0.8, 0.2, 0.1), (0.1, 0.6, 0.3)])
def test_in_an_image_a_colour_is_what_it_was(
    colour: tuple[float, float, float], transfer: int
) -> None:
    light = [n / 12.92 if n <= 0.04045 else ((n + 0.055) / 1.055) ** 2.4 for n in colour]
    assert as_srgb(numbers(light, transfer), transfer) == pytest.approx(colour, abs=0.003)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_in_an_image_what_is_brighter_is_never_darker_and_white_is_nearly_white(
    transfer: int,
) -> None:
    greys = [as_srgb((n / 99,) * 3, transfer)[0] for n in range(100)]
    assert all(one <= other for one, other in pairwise(greys))
    assert (greys[0], greys[-1]) == pytest.approx((0, 1), abs=0.001)
    assert as_srgb(numbers((1, 1, 1), transfer), transfer)[0] == pytest.approx(0.967, abs=0.002)


def test_red_comes_first_in_the_table() -> None:
    rows = [tuple(map(float, line.split())) for line in cube(PQ).splitlines()[1:]]
    places = {colour: n for n, colour in enumerate(product(range(POINTS), repeat=3))}
    red, blue = rows[places[0, 0, POINTS - 1]], rows[places[POINTS - 1, 0, 0]]
    assert red[0] == max(red)
    assert blue[2] == max(blue)
