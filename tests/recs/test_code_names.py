from recs.code_names import Facts, derive_names


def film(title="A film", *, people=0, country="France", kinds=("Drama",), year=1964, maker="A"):
    return Facts(
        title=title,
        category_paths=kinds,
        countries=[country] if country else [],
        creators=[maker] if maker else [],
        year=year,
        people=people,
    )


def some(path, count, **fields):
    return [(path, film(f"{path} {n}", maker=f"Maker {n}", **fields)) for n in range(count)]


def test_a_kind_is_named_by_what_sets_it_apart():
    members = [
        *some("001.001", 10, year=1964),
        *some("002.001", 10, country="Italy", kinds=("Western",), year=1971),
        *some("003.001", 10, country="Japan", kinds=("Drama", "War"), year=1955),
    ]
    names = derive_names(members, levels=1)
    assert names["001"] == "French drama, 1960s"
    assert names["002"] == "Italian western, 1970s"
    assert names["003"] == "Japanese war, 1950s"


def test_what_everything_has_names_nothing():
    members = [*some("001", 10, year=1964), *some("002", 10, year=1984)]
    names = derive_names(members, levels=1)
    assert names == {"001": "1960s", "002": "1980s"}


def test_a_kind_below_is_told_apart_from_the_one_it_is_part_of():
    members = [
        *some("001.001", 6, kinds=("Drama", "War")),
        *some("001.002", 6, kinds=("Drama", "Romance")),
        *some("002.001", 12, country="Italy", kinds=("Western",)),
    ]
    names = derive_names(members, levels=2)
    assert names["001"] == "French drama"
    assert names["001.001"] == "War"
    assert names["001.002"] == "Romance"


def test_films_around_the_turn_of_a_decade_get_both():
    members = [
        *some("001", 5, year=1958),
        *some("001", 5, year=1962),
        *some("002", 20, year=1990),
        *some("003", 20, year=2005),
    ]
    assert derive_names(members, levels=1)["001"] == "1950s and 1960s"


def test_what_one_maker_made_bears_their_name():
    members = [
        *[("001", film(f"H{n}", maker="Alfred Hitchcock", country="")) for n in range(5)],
        *some("002", 20, country=""),
    ]
    assert derive_names(members, levels=1)["001"] == "Alfred Hitchcock"


def test_a_kind_that_nothing_sets_apart_is_named_after_its_best_known_member():
    members = [
        ("001", film("Unknown", maker="A")),
        ("001", film("Rear Window", people=9, maker="B")),
        *some("002", 4),
    ]
    assert derive_names(members, levels=1)["001"] == "Like Rear Window"


def test_two_kinds_of_one_parent_never_share_a_name():
    members = [
        *[("001", film("Jules and Jim", people=5, maker=f"{n}")) for n in range(8)],
        *[("002", film("Breathless", people=7, maker=f"{n}")) for n in range(6)],
        *[("003", film("Breathless", people=7, maker=f"{n}")) for n in range(6)],
        *some("004", 60, country="Italy", kinds=("Western",), year=1990),
    ]
    names = derive_names(members, levels=1)
    assert names["001"] == "French drama, 1960s"
    assert names["002"] == "French drama, 1960s, like Breathless"
    assert names["003"] == "French drama, 1960s, like Breathless (2)"


def test_products_are_named_by_the_last_part_of_their_path():
    members = [
        *some("001", 5, kinds=("Men/Tops/Hoodies",), country="", year=None),
        *some("002", 5, kinds=("Women/Tops/Tees",), country="", year=None),
    ]
    assert derive_names(members, levels=1)["001"] == "Hoodies"


def test_the_order_of_equal_kinds_does_not_change_their_names():
    members = [*some("001", 5), *some("002", 5, kinds=("War",)), *some("003", 5, year=1999)]
    assert derive_names(members, levels=1) == derive_names(members[::-1], levels=1)


def test_no_items_have_no_names():
    assert derive_names([], levels=2) == {}


def told(path, count, description, **fields):
    return [
        (path, Facts(title=f"{path} {n}", description=description, year=1964, **fields))
        for n in range(count)
    ]


def test_words_of_the_descriptions_say_what_a_kind_is_about():
    members = [
        *told("001", 4, "A vampire wakes in the castle of London."),
        *told("001", 4, "Two vampires and a castle."),
        *told("002", 20, "A teacher comes to the village of London."),
    ]
    names = derive_names(members, levels=1)
    assert names["001"] == "Castle, vampire"
    assert "London" not in " ".join(names.values())


def test_a_word_of_a_single_member_says_nothing():
    members = [*told("001", 1, "about a submarine"), *told("001", 1, ""), *told("002", 9, "")]
    assert derive_names(members, levels=1)["001"].startswith("Like ")


def test_who_stands_for_a_kind_is_typical_and_not_only_known():
    members = [
        ("001", film("Jaws", people=900, country="", kinds=("Horror",), year=1975, maker="S")),
        *[("001", film(f"Drama {n}", people=n, maker=f"{n}")) for n in range(6)],
        *[("002", film("Breathless", people=7, maker=f"{n}")) for n in range(8)],
        *some("003", 40, country="Italy", kinds=("Western",), year=1990),
    ]
    names = derive_names(members, levels=1)
    assert names["002"] == "French drama, 1960s"
    assert names["001"] == "French drama, 1960s, like Drama 5"
