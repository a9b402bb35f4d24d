# No postponed annotations here: Typer evaluates them when the commands are built.
"""Options of `imgsearch duplicates` that write a plan of what may go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli.settings import Settings
from imgsearch.cli.tables import byte_size, counted
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.plans.plan import Plan

PLAN_PANEL: Final = "A plan of what may go"


@dataclass(frozen=True)
class PlanOptions:
    """Where a plan is written, and what decides which file of a group stays."""

    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Write which files may go, and why, as JSON; 'imgsearch apply FILE' shows it and "
            "carries it out. Without --kind: identical, pixels and copy.",
            rich_help_panel=PLAN_PANEL,
        ),
    ] = None
    keep: Annotated[
        list[str],
        typer.Option(
            "--keep",
            metavar="RULE,...",
            help="What makes a file the one to keep, the weightiest first (default: largest, "
            "best-format, preferred, most-metadata, protected, oldest, shortest-path; also "
            "newest).",
            rich_help_panel=PLAN_PANEL,
        ),
    ] = field(default_factory=list)
    prefer: Annotated[
        list[str],
        typer.Option(
            "--prefer",
            metavar="FOLDER",
            help="Keep files in this folder rather than others, in the place of 'preferred' among "
            "the rules (default: the last of --keep); may be repeated, the most preferred first.",
            rich_help_panel=PLAN_PANEL,
        ),
    ] = field(default_factory=list)
    protect: Annotated[
        list[str],
        typer.Option(
            "--protect",
            metavar="FOLDER",
            help="Never touch a file in this folder; may be repeated.",
            rich_help_panel=PLAN_PANEL,
        ),
    ] = field(default_factory=list)
    split_companions: Annotated[
        bool,
        typer.Option(
            "--split-companions",
            help="Let a file go although another one belongs to it, such as a RAW of the same "
            "name. That one stays.",
            rich_help_panel=PLAN_PANEL,
        ),
    ] = False

    def check(self, kinds: Sequence[str], *, of_gallery: bool) -> None:
        """Refuse what makes no sense, before anything is looked for.

        Args:
            kinds: that were asked for.
            of_gallery: whether it is the gallery's files that are looked at.

        Raises:
            UsageError: names the option.
        """
        for name in ("keep", "prefer", "protect", "split_companions"):
            if getattr(self, name) and self.plan is None:
                raise UsageError(f"--{name.replace('_', '-')} is for a plan; give --plan FILE too")
        if self.plan is None:
            return
        from imgsearch.plans.rules import parse_kinds

        if not of_gallery:
            raise UsageError("--plan is for files of the gallery, and --new looks at others")
        if not Path(self.plan).absolute().parent.is_dir():
            raise UsageError(f"--plan {self.plan}: there is no such folder")
        parse_kinds(kinds)
        self.rank()

    def rank(self) -> "Rank | None":
        """Return the sort key by which groups are built around the files that are kept.

        Returns:
            None without a plan.

        Raises:
            UsageError: a rule or a folder that does not exist.
        """
        if self.plan is None:
            return None
        from imgsearch.plans.plan import DEFAULT_RULES
        from imgsearch.plans.rules import folders_there, parse_rules, rank

        return rank(
            parse_rules(self.keep, preferring=bool(self.prefer)) or DEFAULT_RULES,
            prefer=folders_there("prefer", self.prefer),
            protect=folders_there("protect", self.protect),
        )

    def write(
        self,
        gallery: "Gallery",
        groups: Iterable["Group"],
        *,
        kinds: Sequence[str],
        settings: Settings,
    ) -> "Plan | None":
        """Write the plan, if one is wanted, and say what to do with it.

        Args:
            gallery: that holds the groups' files.
            groups: all of them.
            kinds: that were asked for; none for the plan's own default.
            settings: for the message.

        Returns:
            The plan, None if none is wanted.
        """
        if self.plan is None:
            return None
        from imgsearch.plans.plan_file import write_plan

        plan = gallery.plan(
            groups,
            keep=self.keep,
            prefer=self.prefer,
            protect=self.protect,
            kinds=kinds,
            split_companions=self.split_companions,
        )
        write_plan(plan, Path(self.plan))
        stays = len(plan.left) + sum(len(group.left) for group in plan.groups)
        terminal = settings.terminal
        terminal.say(
            f"{self.plan}: {counted(plan.files, 'file')} of {byte_size(plan.bytes)} may go, and "
            f"{len(plan.groups):,} stay in their stead; {stays:,} more are left, with the reason."
        )
        if plan.files:
            shown = settings.command(f"imgsearch apply {self.plan}")
            terminal.say(f"'{shown}' shows them; nothing was done yet.")
        return plan
