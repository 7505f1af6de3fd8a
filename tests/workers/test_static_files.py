import pytest

from workers import static_files


@pytest.fixture
def folders(settings, tmp_path):
    source, target = tmp_path / "static", tmp_path / "collected"
    source.mkdir()
    (source / "page.css").write_text("body { color: black }")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = target
    return source, target


def test_files_are_collected_again_only_after_a_change(folders):
    source, target = folders
    static_files.collect_static()
    assert (target / "page.css").is_file()
    (target / "page.css").unlink()
    static_files.collect_static()
    assert not (target / "page.css").exists()
    (source / "page.css").write_text("body { color: darkslategray }")
    static_files.collect_static()
    assert "darkslategray" in (target / "page.css").read_text()
