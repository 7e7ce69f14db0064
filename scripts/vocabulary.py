"""Writes crm_gym/form/vocabulary.txt: the words that requests are made of, values left out.

They are counted in requests of the training split, so no other split's words decide what a policy can read. The file
does not depend on what stood in it before.

    python scripts/vocabulary.py [--check]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from crm_gym.form.words import MEMBERS, pieces, spelled
from crm_gym.tasks.generator import Generator

FILE = Path(__file__).resolve().parent.parent / "crm_gym" / "form" / "vocabulary.txt"
REQUESTS = 20_000
AT_LEAST = 5


def texts(count: int = REQUESTS) -> Iterator[str]:
    """Requests of the training split, and what its users answer when they are asked."""
    generator = Generator("train")
    for number in range(count):
        task = generator.make(number)
        yield task.request
        if task.user is not None:
            for phase in task.user.phases:
                yield from (phase.says, *phase.told.values(), *phase.wrong.values(), phase.waits)


def words(text: str) -> Iterator[str]:
    """The words of a text that belong to no value; members of enums are words."""
    at = 0
    for one in pieces(text):
        if one.value in MEMBERS:
            yield one.value.lower()
        if one.end > at:
            yield from spelled(text[at : one.start])
            at = one.end
    yield from spelled(text[at:])


def vocabulary(count: int = REQUESTS) -> list[str]:
    """The words seen often enough, by how often, then by themselves."""
    seen = Counter(chain.from_iterable(words(text) for text in texts(count)))
    return sorted((word for word, times in seen.items() if times >= AT_LEAST), key=lambda word: (-seen[word], word))


def main() -> int:
    """Write the file, or with --check say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    wanted = "\n".join(vocabulary()) + "\n"
    if parser.parse_args().check:
        fits = FILE.read_text(encoding="utf-8") == wanted
        print(f"{FILE.name} is {'up to date' if fits else 'out of date: run scripts/vocabulary.py'}")
        return 0 if fits else 1
    FILE.write_text(wanted, encoding="utf-8")
    print(f"{FILE.name}: {wanted.count(chr(10))} words")
    return 0


if __name__ == "__main__":
    sys.exit(main())
