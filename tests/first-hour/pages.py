"""The commands and specs of a page, as they are printed there.

    pages.py commands PAGE TITLE [LANGUAGE]   the lines of the section's blocks without a language, one a line
    pages.py block PAGE TITLE LANGUAGE        the first block of that language in the section

A comment behind a command stays, as it would when the line is copied. `# or: COMMAND` gives a second line.
"""

import re
import sys


def section(page, title):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        if part.splitlines()[0] == title:
            return part
    sys.exit(f"pages.py: {page} has no section `{title}`")


def blocks(text, language):
    return [body for found, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if found == language]


def commands(text):
    for block in blocks(text, ""):
        for line in block.splitlines():
            yield line
            _, _, other = line.partition("# or: ")
            if other:
                yield other


def main():
    what, page, title, *rest = sys.argv[1:]
    text = section(page, title)
    found = list(commands(text)) if what == "commands" else blocks(text, rest[0])[:1]
    if not found:
        sys.exit(f"pages.py: the section `{title}` of {page} has nothing to type")
    print("\n".join(found).rstrip("\n"))


if __name__ == "__main__":
    main()
