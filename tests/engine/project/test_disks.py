"""On a full disk and on one that can only be read, work is refused in words, and nothing is lost or half written."""

from tests.engine.conftest import SmallDisk


def test_on_a_full_disk_everything_succeeds_or_is_refused_in_words_and_changes_nothing(
    on_a_small_disk: SmallDisk,
) -> None:
    report = on_a_small_disk("full_disk.py")
    assert report["faults"] == []
    for name, (succeeded, refused) in report["works"].items():
        assert succeeded and refused, name


def test_on_a_disk_that_can_only_be_read_projects_show_everything_and_stay_as_they_are(
    on_a_small_disk: SmallDisk,
) -> None:
    expected, found, refusals, unchanged = on_a_small_disk("read_only.py")
    assert found == expected
    assert unchanged
    for name, words in refusals.items():
        assert all("can only be read" in refusal for refusal in words), (name, words)
