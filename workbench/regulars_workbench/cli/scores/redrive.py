"""The command `regulars redrive`."""

from typing import Annotated

import typer

from regulars_workbench import console


def redrive(
    dead: Annotated[str, typer.Argument(help="URL of the dead-letter queue")],
    queue: Annotated[str, typer.Argument(help="URL of the queue to send to")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the dead letters")] = False,
) -> None:
    """Send dead letters back to their queue to be scored again, and show why each had failed."""
    from regulars_workbench.batch.aws_client import client
    from regulars_workbench.batch.redrive import Redrive

    redriver = Redrive(client("sqs"), dead, queue)
    hidden, letters = redriver.check(), []
    try:
        for letter in redriver.letters(send=not dry_run):
            letters.append(letter)  # noqa: PERF402 - letters sent so far are shown even if the next one fails
    finally:
        rows = [(letter.inputs, letter.tries, letter.reason) for letter in letters]
        if rows:
            console.table("Dead letters", ("input", ">tries", "reason"), rows)
        sent = sum(letter.sent for letter in letters)
        console.say(f"{len(letters)} dead letters, {sent} sent back" if letters else "No dead letters")
    if hidden:
        console.say(
            f"{hidden} more are hidden: another process has received them; unfinished ones return within minutes"
        )
