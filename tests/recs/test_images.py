from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from catalog.items import patch_item
from catalog.types import ItemInput
from recs import images, pipeline
from recs.content import content_vectors, live_versions
from recs.images import encode_pending, image_file, pending_count
from recs.models import ContentEmbedding
from tests.recs.conftest import make_items

pytestmark = pytest.mark.django_db


class Counted:
    """An encoder that tells how many pictures it read; vectors by their mean colour."""

    read = 0

    def encode(self, inputs):
        Counted.read += len(inputs)
        found = np.zeros((len(inputs), images.DIMENSIONS), np.float32)
        found[:, 0] = 1
        return found


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    place = tmp_path / "photos"
    place.mkdir()
    settings.RECS_IMAGE_DIR = str(place)
    Counted.read = 0
    monkeypatch.setattr(images, "ImageEncoder", Counted)
    return place


def picture(path, colour=(200, 0, 0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 30), colour).save(path)
    return path


def add(**addresses):
    return make_items(
        [ItemInput(external_id=n, title=n, image_url=url) for n, url in addresses.items()]
    )


def vectors_of(ids):
    return content_vectors(list(ids.values()))["image"][:, 0].tolist()


def test_photographs_of_the_folder_get_vectors_and_others_do_not(folder):
    picture(folder / "a.png")
    picture(folder / "deep" / "b c.jpg", (0, 0, 9))
    ids = add(
        a="/media/a.png",
        b="/media/deep/b%20c.jpg",
        other="https://example.org/c.jpg",
        elsewhere="/static/d.jpg",
        none="",
    )
    assert pending_count() == 2
    done = encode_pending()
    assert (done.encoded, done.unreadable) == (2, 0)
    assert vectors_of(ids) == [1, 1, 0, 0, 0]
    assert pending_count() == 0
    assert encode_pending().encoded == 0
    assert live_versions()["image"].encoder == "efficientnet-lite0"


def test_a_picture_is_read_once_however_many_items_show_it(folder):
    picture(folder / "a.png")
    picture(folder / "copy.png")
    add(a="/media/a.png", b="/media/a.png", c="/media/copy.png")
    assert encode_pending().encoded == 3
    assert Counted.read == 1


def test_an_item_that_changes_is_looked_at_again(folder):
    picture(folder / "a.png")
    picture(folder / "b.png", (0, 9, 0))
    ids = add(a="/media/a.png")
    encode_pending()
    first = ContentEmbedding.objects.get(item=ids["a"])
    patch_item(external_id="a", changes={"image_url": "/media/b.png"})
    assert pending_count() == 1
    encode_pending()
    assert ContentEmbedding.objects.get(item=ids["a"]).input_hash != first.input_hash
    patch_item(external_id="a", changes={"image_url": ""})
    encode_pending()
    assert not ContentEmbedding.objects.filter(item=ids["a"]).exists()


def test_broken_and_missing_pictures_lack_a_vector_and_are_not_tried_for_ever(folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    ids = add(broken="/media/broken.jpg", missing="/media/missing.jpg")
    done = encode_pending()
    assert (done.encoded, done.unreadable) == (0, 2)
    assert vectors_of(ids) == [0, 0]
    assert pending_count() == 0


def test_a_picture_that_comes_later_than_its_item_is_found(folder):
    ids = add(a="/media/late.png")
    encode_pending()
    picture(folder / "late.png")
    long_ago = timezone.now() - timedelta(hours=1)
    ContentEmbedding.objects.filter(item=ids["a"]).update(created_at=long_ago)
    # The item's own time must not be what makes it pending.
    type(ContentEmbedding.objects.get(item=ids["a"]).item).objects.update(
        updated_at=long_ago - timedelta(hours=1)
    )
    assert encode_pending().encoded == 1
    assert vectors_of(ids) == [1]


@pytest.mark.parametrize(
    "address",
    [
        "/media/../secret.png",
        "/media/..%2Fsecret.png",
        "/media/%2e%2e/secret.png",
        "/media//etc/passwd",
        "/media/link.png",
        "/media/linked/secret.png",
        "/media/",
        "/media/a%00.png",
        "/media/" + "a" * 5000,
        "media/a.png",
        "file:///media/a.png",
        "https://host/media/a.png",
        "",
    ],
)
def test_nothing_leads_out_of_the_folder(folder, tmp_path, address):
    picture(folder / "a.png")
    secret = picture(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    assert image_file("/media/a.png") == folder / "a.png"
    assert image_file(address) is None


def test_without_a_folder_nothing_is_read(settings, db):
    settings.RECS_IMAGE_DIR = ""
    add(a="/media/a.png")
    assert image_file("/media/a.png") is None
    assert pending_count() == 0
    assert encode_pending().encoded == 0
    assert "image" not in live_versions()


def test_the_encoding_task_reads_photographs_too(folder):
    picture(folder / "a.png")
    ids = add(a="/media/a.png")
    pipeline.encode_items()
    assert vectors_of(ids) == [1]
