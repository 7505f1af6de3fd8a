from catalog.derive import attribute_words, content_text, derive, with_ancestors
from catalog.types import ItemInput


def item(**fields):
    return ItemInput(external_id="x", title="Rear Window", **fields)


def test_the_encoder_reads_what_the_description_does_not_say_and_nothing_twice():
    bare = content_text(item(creators=["Alfred Hitchcock"], year=1954, category_paths=["Thriller"]))
    assert bare == "Rear Window. 1950s Thriller. by Alfred Hitchcock"
    told = content_text(
        item(
            description="A thriller by Alfred Hitchcock.",
            creators=["Alfred Hitchcock"],
            year=1954,
            category_paths=["Thriller"],
            attributes={"cast": ["Grace Kelly"]},
        )
    )
    assert told == "Rear Window. A thriller by Alfred Hitchcock. 1950s. with Grace Kelly"


def test_a_facet_on_a_category_finds_what_lies_below_it():
    assert with_ancestors(["Men/Tops", "Men", " Sale / Last "]) == [
        "Men",
        "Men/Tops",
        "Sale",
        "Sale/Last",
    ]


def test_addresses_and_file_names_are_no_words():
    values = {"image": "images/mh01.jpg", "page": "https://shop/x", "fabric": "wool/cotton", "n": 3}
    assert attribute_words(values) == ["wool/cotton"]


def test_a_changed_text_changes_the_hash_and_a_price_does_not():
    before = derive(item(description="Seen from a wheelchair."))
    assert derive(item(description="Seen from a window.")).content_hash != before.content_hash
    assert (
        derive(item(description="Seen from a wheelchair.", price=3)).content_hash
        == before.content_hash
    )


def test_people_find_an_item_by_its_decade_and_its_countrys_adjective():
    words = derive(item(year=1964, countries=["France"])).keywords.split()
    assert {"1964", "1960s", "France", "French"} <= set(words)
