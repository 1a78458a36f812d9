"""The categories, protected slices and routes; no other module spells out their names."""

from enum import IntEnum, StrEnum


class Category(StrEnum):
    """What a post itself does; a post can carry any number of these, or none."""

    INSULT = "insult"
    FALSE_INFO = "false_info"
    UNLAWFUL = "unlawful"
    ETHICS = "ethics"


class Slice(StrEnum):
    """Kinds of post that are never a violation by themselves."""

    POLITICAL = "political"
    COMPLAINT = "complaint"
    NEGATIVE_REVIEW = "negative_review"
    COUNTER_SPEECH = "counter_speech"
    UNTARGETED = "untargeted"
    IDENTITY = "identity"
    HELP = "help"
    SOURCED = "sourced"
    EVERYDAY = "everyday"


class Kind(StrEnum):
    """Finer marks of a seed post: the item of the closed list of `unlawful`, or the voice of `ethics`."""

    THREAT = "threat"
    SCAM = "scam"
    ACCOUNTS = "accounts"
    GAMBLING = "gambling"
    CONTRABAND = "contraband"
    VAPE = "vape"
    FORGERY = "forgery"
    EXAM = "exam"
    LOAN = "loan"
    DOXXING = "doxxing"
    SOLICITATION = "solicitation"
    STAFF = "staff"
    PUPIL = "pupil"


class Route(IntEnum):
    """Where a post goes, in order of severity, so that the severest is the largest."""

    CLEAR = 0
    REVIEW = 1
    FLAG = 2

    @property
    def label(self) -> str:
        """The name written to files: `clear`, `review` or `flag`."""
        return self.name.lower()


INVALID = "invalid"
"""Decision of a row that holds no text which could be scored."""

CATEGORIES: tuple[str, ...] = tuple(category.value for category in Category)
SLICES: tuple[str, ...] = tuple(slice_.value for slice_ in Slice)
VOICES: tuple[str, ...] = (Kind.STAFF.value, Kind.PUPIL.value)
UNLAWFUL_KINDS: tuple[str, ...] = tuple(kind.value for kind in Kind if kind.value not in VOICES)

NEVER_FLAGGED: frozenset[str] = frozenset({Category.FALSE_INFO.value})
"""Text alone can't prove a claim false, so this category only ever asks a person to check."""

VIETNAMESE: dict[str, str] = {
    "insult": "xúc phạm",
    "false_info": "chưa kiểm chứng",
    "unlawful": "vi phạm pháp luật",
    "ethics": "vi phạm đạo đức, quy chế",
    "clear": "không vấn đề",
    "review": "cần người xem",
    "flag": "nghi vi phạm",
    "invalid": "không có nội dung",
}
"""Names for moderators and reviewers, who read Vietnamese."""

VIETNAMESE_SLICES: dict[str, str] = {
    "political": "ý kiến về chính sách, chính quyền",
    "complaint": "khiếu nại, tố cáo, phản ánh",
    "negative_review": "chê chất lượng",
    "counter_speech": "dẫn lại để phê phán, bác bỏ",
    "untargeted": "chửi trống, nói lóng, đùa, tự giễu",
    "identity": "nói về bản sắc",
    "help": "cầu cứu, cảnh báo, phòng ngừa",
    "sourced": "có nguồn",
    "everyday": "chuyện thường ngày",
}
"""Names of the protected slices, as the labelling guidelines head them."""
