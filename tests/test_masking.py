"""Personal data becomes typed tokens; everything else stays. All numbers and names here are invented."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.aligned import Aligned
from classifier.masking import BANK_ACCOUNT, CITIZEN_ID, EMAIL, HANDLE, MASKS, NUMBER, OFFICIAL_URL, PHONE, URL, mask
from classifier.text import normalize

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
PERSONAL_PIECES = [
    "0951234567",
    "+84 951 234 567",
    "a@b.example",
    "truong.edu.vn",
    "stk",
    "cccd",
    "095123456789",
    "@",
    ".",
    "học",
    "8",
    "-",
    *sorted(MASKS),
]
PERSONAL_TEXT = st.lists(st.sampled_from(PERSONAL_PIECES), max_size=10).flatmap(
    lambda parts: st.sampled_from(["", " ", ".", "\n"]).map(lambda s: s.join(parts))
)


@pytest.mark.parametrize(
    "phone",
    [
        "0951234567",
        "0951 234 567",
        "095 123 4567",
        "095.123.4567",
        "0951.23.45.67",
        "095-123-4567",
        "095_123_4567",
        "09 51 23 45 67",
        "0951  234  567",
        "0 9 5 1 2 3 4 5 6 7",
        "095 123 456",
        "o951234567",
        "O95 1234567",
        "09512345xx",
        "09512345**",
        "+84951234567",
        "+84 951 234 567",
        "+84-95-123-4567",
        "(+84)951234567",
        "+84 (0) 951 234 567",
        "84951234567",
        "0084951234567",
        "024 3951 2345",
        "+1 202 555 0143",
        "+44 20 7946 0958",
    ],
)
def test_a_phone_number_is_masked_however_it_is_written(phone: str) -> None:
    masked = mask(f"ai cần thì gọi {phone} gặp lớp trưởng")
    assert PHONE in masked
    assert not any(char.isdigit() for char in masked)
    assert masked.startswith("ai cần thì gọi ")
    assert masked.endswith(" gặp lớp trưởng")


@pytest.mark.parametrize("sign", [",", "/", " - ", " ", "; "])
def test_each_of_two_phone_numbers_is_masked(sign: str) -> None:
    masked = mask(f"0951234567{sign}0957654321")
    assert masked.split().count(PHONE) == 2
    assert not any(char.isdigit() for char in masked)


@pytest.mark.parametrize("written", ["０９５１２３４５６７", "0951\u200b234\u200b567", "0951\u00a0234\u00a0567"])
def test_normalising_uncovers_a_disguised_phone_number(written: str) -> None:
    assert normalize(f"gọi {written} nha") == f"gọi {PHONE} nha"


@given(
    st.text("0123456789", min_size=7, max_size=7),
    st.lists(st.sampled_from(["", " ", ".", "-", "_", ". "]), min_size=9, max_size=9),
    st.sampled_from(["", "gọi ", "sđt: ", "zalo (", "ib, "]),
    st.sampled_from(["", " nha", ") nhé", ".", "!", ", cảm ơn"]),
)
@settings(max_examples=300, deadline=None)
def test_no_digit_of_a_phone_number_survives(digits: str, gaps: list[str], before: str, after: str) -> None:
    number = "".join(digit + gap for digit, gap in zip("095" + digits, [*gaps, ""], strict=True))
    assert not any(char.isdigit() for char in mask(before + number + after))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("thư về lop9b.truong@truong.example nha", EMAIL),
        ("thư về LOP9B+hoi_dap@Truong.Example nha", EMAIL),
        ("xem https://trang.example/bai?so=12#cuoi nha", URL),
        ("xem hxxps://trang.xyz nha", URL),
        ("xem www.trang.example nha", URL),
        ("xem bit.ly/abc123 nha", URL),
        ("xem https://truong.edu.vn nha", OFFICIAL_URL),
        ("xem HTTPS://WWW.TRUONG.EDU.VN/tin nha", OFFICIAL_URL),
        ("xem so.tinh.gov.vn/thong-bao nha", OFFICIAL_URL),
        ("xem https://gov.vn.trang.example nha", URL),
        ("xem https://trang.example/truong.edu.vn nha", URL),
        ("xem giagov.vn nha", URL),
        ("hỏi @ban_lop_truong nha", HANDLE),
    ],
)
def test_addresses_and_handles_become_their_token(text: str, token: str) -> None:
    first, last = text.split()[0], text.split()[-1]
    assert token in mask(text).split()
    assert mask(text).split()[0] == first
    assert mask(text).split()[-1] == last
    assert len(MASKS.intersection(mask(text).split())) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cccd 095123456789", f"cccd {CITIZEN_ID} "),
        ("CCCD: 095 123 456 789 nha", f"CCCD: {CITIZEN_ID} nha"),
        ("cmnd số 951234567 nha", f"cmnd số {CITIZEN_ID} nha"),
        ("số căn cước của bạn ấy là 095123456789 nha", f"số căn cước của bạn ấy là {CITIZEN_ID} nha"),
        ("stk 95123456 nha", f"stk {BANK_ACCOUNT} nha"),
        ("STK 0951 2345 6789 012 nha", f"STK {BANK_ACCOUNT} nha"),
        ("chuyển khoản vào 9512345678 nha", f"chuyển khoản vào {BANK_ACCOUNT} nha"),
        ("stk 95123456 hoặc gọi 0951234567 nha", f"stk {BANK_ACCOUNT} hoặc gọi {PHONE} nha"),
        ("ck hoặc gọi 0951234567 nha", f"ck hoặc gọi {PHONE} nha"),
        ("mã 123456789012 nha", f"mã {NUMBER} nha"),
    ],
)
def test_long_numbers_are_told_apart_by_the_words_before_them(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "thi được 8.5 9.0 7,25 điểm",
        "giá 1.500.000 đồng, còn 20.000.000đ nữa",
        "chuyển khoản 500000 tiền quỹ",
        "chuyển khoản 5.000.000 học phí",
        "sáng 12/05/2024 hoặc 2024-05-12",
        "từ 12-05-2024 đến 15-05-2024",
        "năm học 2023-2024",
        "lúc 07:30:15, phòng 305, lớp 10A1",
        "gọi 113 hay 19001234",
        "mã 12345678",
        "email thì hỏi cô @ 5 giờ",
        "đi học.mai nghỉ",
        "",
    ],
)
def test_ordinary_numbers_and_words_stay(text: str) -> None:
    assert mask(text) == text


@given(ANY_TEXT | PERSONAL_TEXT)
@settings(max_examples=400, deadline=None)
def test_masking_a_masked_text_changes_nothing(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "number",
    [
        "0951234567",
        "+84 (0) 951 234 567",
        "+1 202 555 0143",
        "a@b.example",
        "mask@b.example",
        "https://maskurl.example/l?x=1",
        "m.xyz/askurl",
        "@ban",
    ],
)
def test_a_token_stands_for_the_whole_of_what_it_masks(number: str) -> None:
    text = f"gọi {number}  nha"
    masked = mask(Aligned.of(text))
    assert isinstance(masked, Aligned)
    assert [text[slice(*masked.span(*token.span()))] for token in re.finditer(r"\bmask[a-z]+", masked)] == [number]


@given(PERSONAL_TEXT)
@settings(max_examples=300, deadline=None)
def test_positions_change_no_character_of_the_masked_text(text: str) -> None:
    masked = mask(Aligned.of(text))
    assert isinstance(masked, Aligned)
    assert str(masked) == mask(text)
    assert len(masked.starts) == len(masked)
    assert list(masked.starts) == sorted(masked.starts)
