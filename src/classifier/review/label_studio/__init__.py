"""Label Studio as another place to label: tasks out, annotations in."""

from classifier.review.label_studio.answers import import_tasks
from classifier.review.label_studio.configuration import labelling_config
from classifier.review.label_studio.tasks import write_tasks

__all__ = ["import_tasks", "labelling_config", "write_tasks"]
