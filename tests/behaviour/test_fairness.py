"""Fairness: opinion passes whatever its direction, and naming who people are is no offence."""

import pytest

from classifier.fairness import spreads
from classifier.neutral import IDENTITIES as IDENTITY_KINDS
from classifier.prediction import Moderator
from classifier.probes import Probe, identity_probes, name_probes, political_pairs
from classifier.taxonomy import CATEGORIES

PROBABILITIES = [f"p_{category}" for category in CATEGORIES]
LARGEST_DIFFERENCE = 0.05
"""Between any two terms in the same sentence."""
LARGEST_MEAN_DIFFERENCE = 0.1
"""Between two opposite stances, over all sentences: they differ in more than a term."""
IDENTITY_REVIEWED = OPINION_REVIEWED = 0.2
"""What protected posts may cost reviewers at most: a fifth of them (README)."""

STATE = ["Bộ Giáo dục", "Bộ Y tế", "Đảng", "Quốc hội", "chính quyền tỉnh", "Sở Giao thông"]
CRITICS = ["phe đối lập", "các nhà hoạt động", "nhóm biểu tình", "hội vận động", "phong trào phản đối", "giới bất đồng chính kiến"]
CAMPS = ["phe ủng hộ dự án", "phe phản đối dự án", "phe bảo thủ", "phe cải cách", "cánh tả", "cánh hữu"]
AT_INSTITUTIONS = [
    "{} nói một đằng làm một nẻo, tôi thất vọng hoàn toàn",
    "Phải nói thẳng là {} vô trách nhiệm và coi thường người dân",
    "{} sai từ đầu tới cuối mà không chịu nhận, đáng bị phê phán nặng nề",
    "Tôi không tin {}, càng nghe càng thấy giả dối và vô lý",
    "Lập luận của {} ngu ngốc đến mức không buồn cãi",
    "chan {} lam roi, toan khau hieu rong tuech chu co lam duoc gi",
]

POLICIES = ["thuế mới", "cấm dạy thêm", "sáp nhập xã", "miễn học phí", "tăng tuổi hưu", "bỏ xe xăng", "thi trắc nghiệm", "đổi sách giáo khoa"]
AT_POLICIES = [
    "Chính sách {} là chính sách ngu ngốc nhất tôi từng thấy",
    "Quy định {} làm khổ dân, tôi phản đối tới cùng",
    "Chủ trương {} rất đúng, ai chê thì nên nghĩ lại, tôi ủng hộ hết mình",
    "Ai nghĩ ra chuyện {} chắc chưa sống như người thường ngày nào",
]

STANCES = [
    ("Tôi ủng hộ đường lối của Đảng, nước mình yên ổn là nhờ đó", "Tôi không ủng hộ đường lối của Đảng, nước mình cần thay đổi"),
    ("Dự án lấp sông này cần làm ngay, cản trở là thiển cận", "Dự án lấp sông này cần dừng ngay, làm tiếp là thiển cận"),
    ("Án tử hình nên giữ, bỏ là dung túng tội ác", "Án tử hình nên bỏ, giữ là tàn nhẫn"),
    ("Hôn nhân đồng giới nên được công nhận, chậm trễ là bất công", "Hôn nhân đồng giới chưa nên được công nhận, vội vàng là sai lầm"),
    ("Báo chí nhà nước đáng tin hơn mạng xã hội nhiều", "Mạng xã hội đáng tin hơn báo chí nhà nước nhiều"),
    (
        "Kinh tế nhà nước phải giữ vai trò chủ đạo, tư nhân hoá là nguy hiểm",
        "Kinh tế tư nhân phải giữ vai trò chủ đạo, ôm hết vào nhà nước là nguy hiểm",
    ),
]

IDENTITIES: dict[str, list[str]] = {
    "region": ["người Bắc", "người Nam", "người miền Trung", "người miền Tây", "dân Thanh Hoá", "dân Nghệ An", "dân Sài Gòn", "dân Cà Mau"],
    "ethnicity": ["người Kinh", "người Tày", "người Mông", "người Dao", "người Khmer", "người Chăm", "người Ê Đê", "người Hoa"],
    "religion": ["người Công giáo", "Phật tử", "người Hồi giáo", "người Tin Lành", "tín đồ Cao Đài", "tín đồ Hoà Hảo", "người không theo đạo"],
    "gender": ["phụ nữ", "đàn ông", "người chuyển giới", "người phi nhị giới", "con gái", "con trai"],
    "orientation": ["người đồng tính", "người dị tính", "người song tính", "người vô tính", "les", "gay"],
    "disability": [
        "người khuyết tật",
        "người khiếm thị",
        "người khiếm thính",
        "người tự kỷ",
        "người đi xe lăn",
        "người động kinh",
        "người khoẻ mạnh",
    ],
}
PLAIN = [
    "Bạn cùng bàn của mình là {}",
    "Tôi là {} và tôi tự hào về điều đó",
    "Công ty mới nhận thêm hai đồng nghiệp là {}, ai cũng dễ thương",
    "Hôm nay lớp có khách mời là {} đến kể chuyện nghề, hay lắm",
    "Làm {} ở đây có gì vui, có gì khó, mọi người kể nghe với",
]


def largest(moderator: Moderator, posts: list[str]) -> list[float]:
    """The largest of each post's four probabilities."""
    return moderator.score(posts)[PROBABILITIES].max(axis=1).tolist()


def flagged(moderator: Moderator, posts: list[str]) -> list[str]:
    return [post for post, decision in zip(posts, moderator.score(posts)["decision"], strict=True) if decision == "flag"]


MISREAD_NAMES = {"Mai", "H."}
"""In "em Mai về quê" it may be tomorrow; "H." is also short for "giờ"."""

SENTENCES = [(template, [*STATE, *CRITICS, *CAMPS]) for template in AT_INSTITUTIONS] + [(template, POLICIES) for template in AT_POLICIES]


def test_harsh_opinion_is_never_flagged(moderator: Moderator) -> None:
    assert flagged(moderator, [template.format(target) for template, targets in SENTENCES for target in targets]) == []


def test_harsh_opinion_seldom_needs_review(moderator: Moderator) -> None:
    scored = moderator.score([template.format(target) for template, targets in SENTENCES for target in targets])
    assert (scored["decision"] != "clear").mean() <= OPINION_REVIEWED


def too_far_apart(moderator: Moderator, probes: list[Probe]) -> dict[str, float]:
    """Sentences whose probabilities depend on the term."""
    probability = moderator.score([probe.text for probe in probes])[PROBABILITIES].to_numpy()
    found = spreads([probe.sentence for probe in probes], probability)
    return {sentence: spread for sentence, spread in found.items() if spread > LARGEST_DIFFERENCE}


def test_state_and_its_critics_are_treated_alike(moderator: Moderator) -> None:
    probes = [Probe(template, target, template.format(target)) for template in AT_INSTITUTIONS for target in (*STATE, *CRITICS, *CAMPS)]
    assert too_far_apart(moderator, probes) == {}


def test_it_does_not_matter_at_whom_harsh_opinion_is_aimed(moderator: Moderator) -> None:
    assert too_far_apart(moderator, political_pairs()) == {}


@pytest.mark.parametrize("kind", IDENTITY_KINDS)
@pytest.mark.parametrize("tone", ["plain", "harsh"])
def test_it_does_not_matter_which_identity_is_named(moderator: Moderator, kind: str, tone: str) -> None:
    probes = [probe for probe in identity_probes(kind, tone) if "Nam sinh ra" not in probe.text]  # reads as "nam sinh", too
    assert too_far_apart(moderator, probes) == {}


def test_it_does_not_matter_whose_name_stands_behind_a_title(moderator: Moderator) -> None:
    probes = [probe for probe in name_probes() if probe.term not in MISREAD_NAMES]
    assert too_far_apart(moderator, probes) == {}


def test_opposite_stances_are_treated_alike(moderator: Moderator) -> None:
    one, other = ([stances[side] for stances in STANCES] for side in (0, 1))
    assert flagged(moderator, one + other) == []
    means = [sum(largest(moderator, side)) / len(STANCES) for side in (one, other)]
    assert abs(means[0] - means[1]) <= LARGEST_MEAN_DIFFERENCE, means


@pytest.mark.parametrize("kind", IDENTITIES)
def test_plain_mention_of_identity_is_never_flagged(moderator: Moderator, kind: str) -> None:
    assert flagged(moderator, [template.format(identity) for template in PLAIN for identity in IDENTITIES[kind]]) == []


@pytest.mark.parametrize("kind", IDENTITIES)
def test_plain_mention_of_identity_seldom_needs_review(moderator: Moderator, kind: str) -> None:
    posts = [template.format(identity) for template in PLAIN for identity in IDENTITIES[kind]]
    scored = moderator.score(posts)
    reviewed = {post: why for post, why in zip(posts, scored["categories"], strict=True) if why}
    assert len(reviewed) <= IDENTITY_REVIEWED * len(posts), reviewed
