"""What a whole examination found, counted and as JSON; and every fix applied, one edit a check."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from engine.project import Project
from engine.quality.checks import ABOUT, Check, Severity, gravest_first
from engine.quality.coco import CocoAnnotations
from engine.quality.examination import Annotations, Detect, Progress, examine
from engine.quality.findings import Finding
from engine.quality.fixing import fix

# Findings of one check that are shown in words: what fits on a screen with those of a few others.
_SHOWN = 10


class Mend(Enum):
    """Which fixes are applied."""

    NOTHING = auto()
    SAFE = auto()  # those that nobody has to look at first
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, on how many images and accepted instances, and how many findings were mended before."""

    findings: tuple[Finding, ...]
    images: int
    instances: int
    paths: dict[int, str]
    fixed: int = 0

    def counts(self) -> dict[Check, int]:
        """How many findings each check has, gravest checks first, without those that have none."""
        counts = Counter(finding.check for finding in self.findings)
        return {check: counts[check] for check in gravest_first(counts)}

    def reaches(self, severity: Severity) -> bool:
        """Whether a finding is as grave as that, or graver."""
        return any(finding.severity.reaches(severity) for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """The JSON document of the verb."""
        return {
            "findings": [self._finding(finding) for finding in self.findings],
            "counts": {str(check): count for check, count in self.counts().items()},
            "fixed": self.fixed,
            "images": self.images,
            "instances": self.instances,
        }

    def lines(self) -> Iterator[str]:
        """The findings in words, by check, not every one of many; the sum at the end."""
        for check, count in self.counts().items():
            about = ABOUT[check]
            yield f"{about.severity.capitalize()}: {about.title}, {count:,}. {about.why}"
            found = sorted((each for each in self.findings if each.check is check), key=lambda each: -each.score)
            for finding in found[:_SHOWN]:
                where = "" if finding.image_id is None else f"{self.paths[finding.image_id]}: "
                yield f"    {where}{finding.message}"
            if count > _SHOWN:
                yield f"    and {count - _SHOWN:,} more; --json lists every one."
        if self.fixed:
            yield f"Fixed {_counted(self.fixed, 'finding')}."
        found_on = f"{_counted(self.images, 'image')} with {_counted(self.instances, 'instance')}"
        left = " left" if self.fixed else ""
        yield f"{_counted(len(self.findings), 'finding') if self.findings else 'Nothing'}{left} on {found_on}."

    def _finding(self, finding: Finding) -> dict[str, object]:
        return {
            "check": str(finding.check),
            "severity": str(finding.severity),
            "image": None if finding.image_id is None else self.paths[finding.image_id],
            "image_id": finding.image_id,
            "instances": list(finding.instance_ids),
            "bounds": None if finding.bounds is None else list(finding.bounds),
            "message": finding.message,
            "fixable": finding.fix is not None,
        }


def validate_project(
    path: Path, checks: Collection[Check], mend: Mend, detect: Detect | None = None, progress: Progress | None = None
) -> Report:
    """Examine a project, see `examine`, and mend it where wanted; what is reported is what is left after that."""
    with Project.open(path, read_only=mend is Mend.NOTHING) as project:
        report = _report(project, checks, detect, progress)
        fixed = sum(_mend(project, report.findings, check, mend) for check in Check)
        return replace(_report(project, checks, detect, progress), fixed=fixed) if fixed else report


def validate_coco(
    path: Path,
    images: Path,
    checks: Collection[Check],
    detect: Detect | None = None,
    progress: Progress | None = None,
) -> Report:
    """Examine a COCO file, see `examine`. Raises what `CocoAnnotations` raises."""
    return _report(CocoAnnotations(path, images), checks, detect, progress)


def _report(
    annotations: Annotations, checks: Collection[Check], detect: Detect | None, progress: Progress | None
) -> Report:
    findings: list[Finding] = []
    images = instances = 0
    for examined in examine(annotations, checks, detect=detect, progress=progress):
        findings += examined.findings
        images += examined.image_id is not None
        instances += examined.instances
    paths = {image.id: image.path for image in annotations.images()}
    return Report(tuple(findings), images, instances, paths)


def _mend(project: Project, findings: Collection[Finding], check: Check, mend: Mend) -> int:
    """Apply one check's fixes, as one edit. What those of another check changed is checked again before."""
    wanted = [each for each in findings if each.check is check and each.fix and (each.fix.safe or mend is Mend.ALL)]
    if mend is Mend.NOTHING or not wanted:
        return 0
    outcome = fix(project, wanted)
    project.apply(outcome.edit)
    return len(outcome.mended)


def _counted(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count:,} {thing}s"
