"""Accounts: sign up, sign in, sign out. A guest's history goes with them."""

from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from catalog.people import adopt_anonymous, person_for_account
from search.views.addresses import safe_next
from search.views.pages import page
from search.views.viewer import COOKIE, anonymous_id_of


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@page
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a name and a password."""
    form = AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _enter(request, form.get_user())
    return _form(request, form, "accounts/sign_in.html")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account and sign in with it."""
    form: UserCreationForm[User] = UserCreationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _enter(request, form.save())
    return _form(request, form, "accounts/sign_up.html")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out, to the home page."""
    logout(request)
    return redirect("pages:home")


def _enter(request: HttpRequest, account: User) -> HttpResponse:
    person = person_for_account(account=account)
    adopt_anonymous(anonymous_id=anonymous_id_of(request), person_id=person.pk)
    login(request, account)
    response = redirect(safe_next(request))
    # What is done after signing out is somebody else's, or at least not to be mixed with this.
    response.delete_cookie(COOKIE)
    return response


def _form(request: HttpRequest, form: object, template: str) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"form": form, "next": safe_next(request)}, status=status)
