"""`make cost`: python -m infra.deployment.priced --uploads=1000."""

import argparse
import sys

from infra.deployment.cost import lines
from infra.deployment.exits import Status

MOST = 10**9


def main(arguments: list[str] | None = None) -> int:
    """Print the bill of a month."""
    parser = argparse.ArgumentParser(prog="python -m infra.deployment.priced", description=__doc__)
    parser.add_argument("--uploads", default="0", help="a month; 0 is the bill at rest")
    told = parser.parse_args(arguments)
    if not told.uploads.isdecimal() or int(told.uploads) > MOST:
        print(
            f"UPLOADS={told.uploads} cannot be: it is a number of uploads a month.", file=sys.stderr
        )
        return Status.UNSUITABLE
    for line in lines(int(told.uploads)):
        print(line)
    return Status.OK


if __name__ == "__main__":
    sys.exit(main())
