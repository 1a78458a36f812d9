"""The labelling configuration of a Label Studio project: which controls annotators see, and what their choices are called."""

from xml.etree import ElementTree

from classifier.taxonomy import CATEGORIES, SLICES, VIETNAMESE, VIETNAMESE_SLICES

NONE = "none"
"""The choice that says there is no violation."""
CHOICES: dict[str, dict[str, str]] = {
    "categories": {**{category: VIETNAMESE[category] for category in CATEGORIES}, NONE: "không vi phạm"},
    "slice": {name: VIETNAMESE_SLICES[name] for name in SLICES},
    "confidence": {"1": "còn ngờ", "2": "khá chắc", "3": "chắc"},
}
"""By control: what each choice is called in files, and what on the page."""
RATIONALE = "rationale"


def labelling_config() -> str:
    """Return the configuration as XML, to be pasted into a project's settings.

    All controls are always in view: conditions of visibility have changed their meaning between versions of Label Studio.

    Examples
    --------
    >>> labelling_config().splitlines()[1].strip()
    '<Text name="text" value="$text" />'
    """
    view = ElementTree.Element("View")
    missing = {"required": "true", "requiredMessage": "Chọn ít nhất một mục"}
    ElementTree.SubElement(view, "Text", {"name": "text", "value": "$text"})
    _choices(view, "categories", "Bài này vi phạm điều gì? Chọn mọi mục đúng", {"choice": "multiple", **missing})
    _choices(view, "slice", "Nếu không vi phạm: thuộc nhóm được bảo vệ nào? (không bắt buộc)", {"choice": "single"})
    _choices(view, "confidence", "Mức chắc chắn", {"choice": "single", "showInline": "true", **missing})
    _header(view, "Lý do (bắt buộc khi chọn một vi phạm)")
    hint = "Từ nào, câu nào cho thấy điều đó? Một câu ngắn là đủ."
    ElementTree.SubElement(view, "TextArea", {"name": RATIONALE, "toName": "text", "rows": "2", "maxSubmissions": "1", "placeholder": hint})
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _header(view: ElementTree.Element, title: str) -> None:
    ElementTree.SubElement(view, "Header", {"value": title, "size": "5"})


def _choices(view: ElementTree.Element, name: str, title: str, attributes: dict[str, str]) -> None:
    _header(view, title)
    control = ElementTree.SubElement(view, "Choices", {"name": name, "toName": "text", **attributes})
    for alias, value in CHOICES[name].items():
        ElementTree.SubElement(control, "Choice", {"value": value, "alias": alias})
