import os

import pytest

from recipes.common.files.folders import replaced, staged


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_staged_files_appear_at_the_end_and_others_stay(tmp_path):
    out = tmp_path / "a" / "b"
    out.mkdir(parents=True)
    (out / "mine").write_text("kept")
    (out / "old").write_text("old")
    (out / "golden").mkdir()
    (out / "golden" / "gone").touch()
    with staged(out) as beside:
        (beside / "old").write_text("new")
        (beside / "golden").mkdir()
        (beside / "golden" / "clip").touch()
        assert (out / "old").read_text() == "old"
    assert names(out) == ["golden", "golden/clip", "mine", "old"]
    assert (out / "old").read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_staged_leaves_everything_as_it_was(tmp_path, error):
    (tmp_path / "old").write_text("old")
    for out in (tmp_path, tmp_path / "new" / "er"):
        with pytest.raises(error), staged(out) as beside:
            (beside / "old").write_text("new")
            raise error
    assert names(tmp_path) == ["old"]
    assert (tmp_path / "old").read_text() == "old"


def test_replaced_folder_is_the_old_or_the_new_one(tmp_path):
    folder = tmp_path / "pretrained"
    with replaced(folder) as beside:
        (beside / "a").touch()
    assert names(tmp_path) == ["pretrained", "pretrained/a"]
    with pytest.raises(KeyboardInterrupt), replaced(folder) as beside:
        (beside / "b").touch()
        raise KeyboardInterrupt
    assert names(tmp_path) == ["pretrained", "pretrained/a"]
    with replaced(folder) as beside:
        (beside / "b").touch()
    assert names(tmp_path) == ["pretrained", "pretrained/b"]
    assert os.access(folder, os.R_OK | os.X_OK)
