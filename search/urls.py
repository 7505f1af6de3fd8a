"""Paths of the pages."""

from django.urls import path

from search.views import (
    about,
    accounts,
    browse,
    covers,
    feedback,
    history,
    home,
    items,
    kinds,
    people,
    photos,
    saved,
    search,
    suggest,
    theme,
)

app_name = "pages"
urlpatterns = [
    path("", home.home, name="home"),
    path("search", search.search, name="search"),
    path("suggest", suggest.suggest, name="suggest"),
    path("browse", browse.browse, name="browse"),
    path("browse/<path:path>", browse.category, name="category"),
    path("kinds", kinds.kinds, name="kinds"),
    path("kinds/<str:address>", kinds.kind, name="kind"),
    path("item/<int:pk>", items.item, name="item-by-number"),
    path("item/<int:pk>/<str:slug>", items.item, name="item"),
    path("item/<int:pk>/opinion/", feedback.feedback, name="feedback"),
    path("collections", items.collections, name="collections"),
    path("collection/<int:pk>/<str:slug>", items.collection, name="collection"),
    path("history", history.history, name="history"),
    path("history/forget", history.forget_all, name="forget-all"),
    path("history/forget/<int:pk>", history.forget, name="forget"),
    path("saved", saved.save, name="save-search"),
    path("saved/<int:pk>/let-go", saved.forget, name="let-go-search"),
    path("people", people.people, name="people"),
    path("people/stop", people.stop_acting, name="stop-acting"),
    path("people/<int:pk>/act-as", people.act_as, name="act-as"),
    path("sign-in", accounts.sign_in, name="sign-in"),
    path("sign-up", accounts.sign_up, name="sign-up"),
    path("sign-out", accounts.sign_out, name="sign-out"),
    path("about", about.about, name="about"),
    path("theme", theme.theme, name="theme"),
    path("media/<path:name>", photos.photo, name="photo"),
    path("cover/<int:pk>/<slug:digest>.svg", covers.cover, name="cover"),
]
