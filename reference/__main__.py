"""`python -m reference`: write docs/schema.json and docs/components.md anew from the components."""

from components.__main__ import load

from . import page, schema


def modules() -> dict[str, str]:
    """Component -> its module, below the package; in the order of the component provider."""
    return {made.__name__: made.__module__.partition(".")[2] for made in load()}


def main() -> None:
    """Write both files."""
    found = schema.schema()
    schema.FILE.write_text(schema.text(found), encoding="utf-8")
    by_hand = page.FILE.read_text(encoding="utf-8")
    page.FILE.write_text(page.page(by_hand, found, modules()), encoding="utf-8")


if __name__ == "__main__":
    main()
