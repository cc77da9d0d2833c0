"""docs/outputs.md, made from the contract."""

from collections.abc import Iterable

from .outputs import OUTPUTS, VERSION
from .shapes import Record
from .topology import PORT, REGION, TOPOLOGY

_PAGE = """\
<!-- Made by `python -m stacks.contract page > docs/outputs.md` from stacks/contract. -->
# Outputs

What an app team's stack may rely on, by `StackReference`: version {version} of the contract. A field may be added at
any time; one that is renamed, removed, or changes its shape or meaning raises `contractVersion`. No administrator's
credential is among them. [app-teams.md](app-teams.md) is how to use them.

| output | shape | meaning |
|---|---|---|
{outputs}

```python
database = pulumi.StackReference("organization/cockroachdb-multiregion/prod")
url = database.require_output("databaseUrls")["bank"]["us-east1"]
app = database.require_output("clientCertificates")["app"]  # stays a secret
```

What each version has promised, as JSON Schema, is in
[stacks/contract/versions](../stacks/contract/versions/{version}.json).

## `topology`

| key | shape | meaning |
|---|---|---|
{topology}

Of each region:

| key | shape | meaning |
|---|---|---|
{region}

Of each of `ports`:

| key | shape | meaning |
|---|---|---|
{port}

SQL clients come to the `sql` load balancers beside that.
"""


def page() -> str:
    """The page's text."""
    outputs = [
        (output.name, f"{'secret, ' if output.secret else ''}{_shape(output.shape)}", output.meaning)
        for output in OUTPUTS
    ]
    return _PAGE.format(
        version=VERSION,
        outputs=_rows(outputs),
        topology=_rows(_fields(TOPOLOGY)),
        region=_rows(_fields(REGION)),
        port=_rows(_fields(PORT)),
    )


def _fields(record: Record) -> Iterable[tuple[str, str, str]]:
    return [(field.name, _shape(field.shape), field.meaning) for field in record.fields]


def _rows(rows: Iterable[tuple[str, str, str]]) -> str:
    return "\n".join(f"| `{name}` | {shape} | {meaning} |" for name, shape, meaning in rows)


def _shape(shape: object) -> str:
    """As the shape says itself; those with a table of their own are called an object."""
    for wide in (TOPOLOGY, REGION, PORT):
        if str(wide) in str(shape):
            return str(shape).replace(str(wide), "object")
    return str(shape)
