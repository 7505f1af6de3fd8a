"""A file of labels that is uploaded in the admin, read at once."""

import tempfile
from pathlib import Path

from django import forms
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from catalog.errors import ProjectError
from catalog.importers.labels import import_labels
from catalog.importers.run import ImportReport
from catalog.judging.exports import FORMATS
from catalog.models import Label

# Some hundred thousand rows, which take about a minute; more is for the command.
MOST_BYTES = 20 * 1024 * 1024


class LabelFileForm(forms.Form):
    """The file, and what it does not say."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV or JSON Lines with item, grade, and query or person; or qrels.",
    )
    format = forms.ChoiceField(
        choices=[(name, name) for name in FORMATS], widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        choices=Label.Kind.choices, widget=UnfoldAdminSelectWidget,
        help_text="Where the rows do not say it.",
    )  # fmt: skip
    labeller = forms.CharField(
        max_length=100, required=False, widget=UnfoldAdminTextInputWidget,
        help_text="Whose grades they are, where the rows do not say it. Qrels never do.",
    )  # fmt: skip

    def clean_file(self) -> object:
        """Not more than a request can bear."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            most = MOST_BYTES // 2**20
            raise forms.ValidationError(
                f"The file has more than {most} MB: use manage.py import_labels."
            )
        return file


def import_upload(form: LabelFileForm) -> ImportReport | None:
    """What became of the file's rows; None where it cannot be used, which the form then says."""
    given = dict(form.cleaned_data)
    file = given.pop("file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels"
        with path.open("wb") as out:
            out.writelines(file.chunks())
        try:
            return import_labels(path=path, **given)
        except ProjectError as error:
            form.add_error(error.field if error.field in form.fields else "file", error.detail)
            return None
