"""Tasks over REST: how work in the background is getting on."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, read
from catalog.api.pagination import PAGE_PARAMETERS, PageInput, page_response
from catalog.api.serializers import TaskOutput, task_json
from catalog.errors import NotFound
from catalog.models import Job

PROBLEMS_SHOWN = 100


class ProblemOutput(serializers.Serializer[Any]):
    """One row of an import that could not be used."""

    line = serializers.IntegerField()
    field = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    excerpt = serializers.CharField(allow_blank=True)


@extend_schema_serializer(component_name="TaskWithProblems")
class TaskProblemsOutput(TaskOutput):
    """A task with the first of its problems."""

    problems = ProblemOutput(many=True)


class TasksApi(Api):
    """All tasks."""

    parameters = PAGE_PARAMETERS

    class PageOutput(serializers.Serializer[Any]):
        """A page of tasks."""

        tasks = TaskOutput(many=True)
        next_cursor = serializers.CharField(allow_null=True)

    @extend_schema(
        operation_id="list_tasks", tags=["tasks"], parameters=[PageInput],
        responses={200: PageOutput}, summary="List tasks",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Newest first."""
        wanted = read(PageInput, request.query_params)
        return page_response(
            request,
            Job.objects.all(),
            name="tasks",
            as_json=task_json,
            wanted=wanted,
            newest_first=True,
        )


class TaskApi(Api):
    """One task."""

    @extend_schema(
        operation_id="get_task", tags=["tasks"], responses={200: TaskProblemsOutput},
        summary="One task",
    )  # fmt: skip
    def get(self, request: Request, task_id: UUID) -> Response:
        """State, progress, error, and the first problems."""
        job = Job.objects.filter(pk=task_id).first()
        if job is None:
            raise NotFound(f"There is no task {task_id}.", field="id")
        problems = job.problems.values("line", "field", "reason", "excerpt")[:PROBLEMS_SHOWN]
        return Response(task_json(job) | {"problems": list(problems)})
