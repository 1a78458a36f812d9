"""Which institution, identity or name a post speaks of is hidden, slurs and ordinary words stay, and nothing else changes."""

from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.aligned import Aligned
from classifier.masking import MASKS
from classifier.neutral import NEUTRALS, PARTISAN, TOKENS, neutralize
from classifier.text import fold, normalize

TERMS = [line.split("\t") for line in files("classifier").joinpath("neutral.tsv").read_text(encoding="utf-8").splitlines()[1:]]


def neutral(post: str) -> str:
    return neutralize(normalize(post))


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ("Bộ GD&ĐT làm ăn như hạch", "neutinstitution làm ăn như hạch"),
        ("UBND tỉnh Quảng Nam hứa suông", "neutinstitution hứa suông"),
        ("Sở Giáo dục và Đào tạo hay Bộ Y tế cũng vậy", "neutinstitution hay neutinstitution cũng vậy"),
        ("Bộ lại đổi sách, Sở thì im", "neutinstitution lại đổi sách, neutinstitution thì im"),
        ("phe đối lập cũng vậy, người biểu tình cũng vậy", "neutinstitution cũng vậy, neutinstitution cũng vậy"),
        ("chính phủ Mỹ, chính phủ Trung Quốc, Nhà Trắng", "neutinstitution, neutinstitution, neutinstitution"),
        ("ông chủ tịch UBND huyện phát biểu", "ông neutleader phát biểu"),
        ("bộ trưởng Bộ Giáo dục trả lời", "neutleader trả lời"),
        ("Nghị định 168 quá nặng, Thông tư số 29 thì hở", "neutpolicy quá nặng, neutpolicy thì hở"),
        ("dân Nghệ An ở Sài Gòn", "dân neutregion ở neutregion"),
        ("người Bắc vào Nam", "neutregion vào neutregion"),
        ("người dân tộc Tày, bạn Khmer, người Trung Quốc", "neutethnicity, bạn neutethnicity, neutethnicity"),
        ("nhà mình theo đạo Cao Đài", "nhà mình neutreligion"),
        ("con trai con gái như nhau", "neutgender như nhau"),
        ("em là người đồng tính, bạn em là les", "em là neutorientation, bạn em là neutorientation"),
        ("người khiếm thị và người đi xe lăn", "neutdisability và neutdisability"),
        ("bạn Lan ngồi cạnh em Minh Anh", "bạn neutname ngồi cạnh em neutname"),
        ("em Nguyễn Thị Hoa, em Giàng A Páo, bạn H'Hen", "em neutname, em neutname, bạn neutname"),
        ("thầy Tr. dạy toán, em L. lớp 9", "thầy neutname dạy toán, em neutname lớp 9"),
        ("cô Anna và bé David", "cô neutname và bé neutname"),
    ],
)
def test_a_term_becomes_the_token_of_its_kind(post: str, expected: str) -> None:
    assert neutral(post) == expected


@pytest.mark.parametrize(
    ("bare", "accented"),
    [
        ("bo giao duc lam do qua", "bộ giáo dục lam do qua"),
        ("uy ban nhan dan huyen hua suong", "ủy ban nhân dân huyện hua suong"),
        ("nguoi bieu tinh cung vay", "người biểu tình cung vay"),
        ("lu nguoi mien trung", "lu nguoi miền trung"),
        ("em la nguoi khiem thi", "em la nguoi khiếm thị"),
        ("thang tuan lop ben", "thằng tuấn lop ben"),
    ],
)
def test_terms_count_without_accents_where_they_are_clear(bare: str, accented: str) -> None:
    assert neutral(bare).replace("thang", "thằng") == neutral(accented)
    assert NEUTRALS.intersection(neutral(bare).split())


@pytest.mark.parametrize("one", ["tòa án", "Huế hòa Hà Nội", "ủy ban"])
def test_both_tone_placements_count(one: str) -> None:
    other = one.replace("òa", "oà").replace("ủy", "uỷ")
    assert other != one
    assert neutral(other) == neutral(one)


@pytest.mark.parametrize(
    "post",
    [
        "bắc kỳ cút về, nam kỳ cũng vậy, đồ rau muống",
        "thằng bê đê kia, đồ pê đê, con bóng lộ, ô môi",
        "đồ què, thằng đui, đồ tàn phế, thần kinh à, mù à, điếc à",
        "lũ mọi rợ, con mán, bọn khựa",
        "con đĩ, đồ đàn bò",
    ],
)
def test_slurs_stay_visible(post: str) -> None:
    assert neutral(post) == normalize(post)


def test_what_political_camps_call_each_other_is_one_word_for_all_directions() -> None:
    assert neutral("lũ ba que") == neutral("lũ bò đỏ") == neutral("lũ phản động") == f"lũ {TOKENS[PARTISAN]}"


@pytest.mark.parametrize(
    "post",
    [
        "bộ sách này hay, mua cả bộ đi, đi bộ cũng được",
        "bộ tưởng tao sợ hả, bộ mày không biết à",
        "sở thích của em là bơi, cơ sở hai ở đâu",
        "năm nay em học lớp mười, nằm mãi",
        "em bình thường mà, cô bình luận gì đâu, con an toàn là được",
        "em mai nghỉ, cô mai có dạy không, bạn hạnh phúc nhé",
        "người kinh doanh, người chăm chỉ, người hoa mắt, người mỹ phẩm",
        "con dao này bén, thái độ gì vậy, hoa mai nở",
        "mai mốt tính, lan man quá, long trọng mời, thu tiền quỹ",
        "thuế thu nhập, miền đất hứa, đẳng cấp, công an toàn",
        "ngoi nha nay gia re, hai phong tro, dang hoc bai",
        "gay gắt quá, đề nghị viện trưởng trả lời",
        "đồ con l. kia, mặt như c.",
    ],
)
def test_ordinary_words_stay(post: str) -> None:
    assert neutral(post) == normalize(post)


def test_a_name_needs_a_title() -> None:
    assert neutral("Hùng ơi đi đá bóng") == "hùng ơi đi đá bóng"
    assert neutral("anh Hùng ơi đi đá bóng") == "anh neutname ơi đi đá bóng"


def test_a_bare_name_is_not_taken_from_a_post_typed_without_accents() -> None:
    assert neutral("co lan em an com, con long lam, ban minh cung vay") == "co lan em an com, con long lam, ban minh cung vay"


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_survive_normalising_and_folding(kind: str) -> None:
    assert normalize(TOKENS[kind]) == fold(TOKENS[kind]) == TOKENS[kind]


def test_neutral_tokens_are_no_mask_tokens() -> None:
    assert not NEUTRALS & MASKS


def test_the_table_holds_each_term_once_and_under_known_kinds() -> None:
    assert {len(row) for row in TERMS} == {4}
    assert {row[0] for row in TERMS} == {*TOKENS, "keep", "level", "nation", "surname"}
    rows = [(row[0], row[1]) for row in TERMS]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("kind", [kind for kind in TOKENS if kind != "name"])
def test_every_term_that_stands_alone_is_hidden_whole(kind: str) -> None:
    seen = {term: neutral(f"thấy {term.replace('#', '12')} nói hoài") for of, term, behind, _ in TERMS if of == kind and not behind}
    assert {term: text for term, text in seen.items() if text != f"thấy {TOKENS[kind]} nói hoài"} == {}


PIECES = [term.replace("#", "12") for _, term, _, _ in TERMS[::7]] + [
    *sorted(NEUTRALS),
    *'em bạn thầy cô người dân bọn là h. k. tr. 12 . , " ( ngu tỉnh xã bo giao duc'.split(),
]
POSTS = st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(POSTS)
@settings(max_examples=500, deadline=None)
def test_neutralising_twice_changes_nothing_more(post: str) -> None:
    once = neutral(post)
    assert neutralize(once) == once


@given(POSTS)
@settings(max_examples=300, deadline=None)
def test_spans_are_kept_and_letters_are_the_same(post: str) -> None:
    normalized = normalize(post)
    aligned = neutralize(Aligned.of(normalized))
    assert str(aligned) == neutralize(normalized)
    if isinstance(aligned, Aligned):
        assert len(aligned.starts) == len(aligned.ends) == len(aligned)


def test_the_span_of_a_token_is_the_whole_term() -> None:
    text = "nghe nói bộ giáo dục và đào tạo lại đổi"
    aligned = neutralize(Aligned.of(text))
    start = aligned.index("neutinstitution")
    assert isinstance(aligned, Aligned)
    first, last = aligned.span(start, start + len("neutinstitution"))
    assert text[first:last] == "bộ giáo dục và đào tạo"
