"""Write the JSON Schemas, or check with `--check` that they are what the models say."""

from __future__ import annotations

import sys

from stationmaster.step.schemas import schemas, stale

__all__: list[str] = []


def _main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        old = stale()
        if old:
            sys.stderr.write(
                f"Stale JSON Schemas: {', '.join(old)}. "
                "Run `python -m stationmaster.step.schemas` and commit what it writes.\n"
            )
        return 1 if old else 0
    for path, text in schemas().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
