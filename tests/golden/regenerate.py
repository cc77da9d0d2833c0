"""`python -m tests.golden.regenerate`: write the messages of every bad config anew. Read the diff before a commit."""

from tests.golden.cases import FOLDER, golden_file, messages, stack_files


def main() -> None:
    """Write each golden file, and remove those whose config is gone."""
    kept = {golden_file(stack_file) for stack_file in stack_files()}
    for stale in set(FOLDER.glob("*.txt")) - kept:
        stale.unlink()
    for stack_file in stack_files():
        golden_file(stack_file).write_text(messages(stack_file), encoding="utf-8")


if __name__ == "__main__":
    main()
