"""Run one benchmark, or all of them: `python -m bench [NAME ...] [--quick] [--json]`."""

import argparse
import importlib
import sys
from typing import Final

from bench.report import BenchError
from vesselflow.core.errors import VesselflowError

#: Each is a module of this folder with `run(*, is_quick) -> Report`.
NAMES: Final = ("throughput",)


def main() -> int:
    """Return the exit code: 0 when everything was measured, 1 when something could not be, 130 when told to end."""
    arguments = _parser().parse_args()
    for name in arguments.names or NAMES:
        try:
            report = importlib.import_module(f"bench.{name}").run(is_quick=arguments.quick)
        except (BenchError, VesselflowError) as error:
            print(f"bench {name}: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        print(report.table())
        if arguments.json:
            print(report.as_json(), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure vesselflow on a local stack.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="less of everything, under 45 s")
    parser.add_argument("--json", action="store_true", help="print the results as one last line of JSON as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
