"""Direction: what makes a post worse raises its probability, what makes it harmless lowers it, in most of the pairs."""

import pytest

from classifier.prediction import Moderator
from classifier.taxonomy import Category

LEAST_CHANGE = 0.02
"""Of a probability, or half of the way that is left to 0 or 1 where that is shorter."""

EPITHETS = [
    ("Thằng Nam lại nộp bài trễ", "Thằng Nam lại nộp bài trễ, đồ ăn hại ngu như lợn"),
    ("Cô Hoa cho nhiều bài tập quá", "Cô Hoa cho nhiều bài tập quá, đúng là con mụ già khốn nạn"),
    ("Lớp trưởng quên ghi tên mình", "Lớp trưởng quên ghi tên mình, cái đồ óc chó"),
    ("Chị bán nước thối nhầm tiền", "Chị bán nước thối nhầm tiền, cái thứ mất dạy"),
    ("Bạn Ly hát sai nhịp hôm văn nghệ", "Bạn Ly hát sai nhịp hôm văn nghệ, con vịt đực ngu si đó"),
    ("Anh bảo vệ bắt mình xuống xe dắt bộ", "Anh bảo vệ bắt mình xuống xe dắt bộ, thằng chó giữ cửa"),
    ("ong thay the duc bat chay 5 vong san", "ong thay the duc bat chay 5 vong san, thang gia mat day"),
    ("Ông trưởng khoa đổi lịch thi mà không báo", "Ông trưởng khoa đổi lịch thi mà không báo, lão khùng vô liêm sỉ"),
    ("Mấy bạn nhóm 3 thuyết trình hơi dài", "Mấy bạn nhóm 3 thuyết trình hơi dài, lũ não phẳng"),
    ("Bạn kia chen hàng trong căng tin", "Bạn kia chen hàng trong căng tin, đúng loại súc vật"),
    ("Sếp em bắt ở lại tới tám giờ", "Sếp em bắt ở lại tới tám giờ, thằng cha bần tiện rác rưởi"),
    ("Bà chủ trọ tăng tiền nhà thêm 200 nghìn", "Bà chủ trọ tăng tiền nhà thêm 200 nghìn, con mụ ác ôn mặt dày"),
]

SOURCES = [
    ("Mai cả huyện cúp nước ba ngày, mọi người trữ nước gấp", "Theo thông báo số 31 của công ty cấp nước ngày 4/5: mai cả huyện cúp nước ba ngày"),
    ("Nghe nói thứ tư học sinh nghỉ vì bão, share nhanh", "Sở GD&ĐT tỉnh ra công văn 1120 chiều nay: thứ tư học sinh nghỉ vì bão"),
    (
        "Nước ngọt ở cổng trường có chất cấm, chia sẻ cho các con biết",
        "Chi cục An toàn thực phẩm công bố kết quả ngày 12/6: nước ngọt ở cổng trường có chất cấm, xem trên trang của chi cục",
    ),
    ("Từ tháng sau học phí tăng gấp đôi đó mọi người", "Theo quyết định số 77 đăng trên trang trường ngày 2/8, từ tháng sau học phí tăng gấp đôi"),
    (
        "Cầu sắp sập rồi, đừng ai đi qua nữa, truyền tin gấp",
        "Ban quản lý giao thông huyện thông báo ngày 9/10: cầu đóng để sửa, không đi qua đến hết tháng",
    ),
    (
        "Xã bên có mười người chết vì dịch rồi mà giấu",
        "Trung tâm kiểm soát bệnh tật tỉnh cho biết trong bản tin ngày 3/7: xã bên có mười ca bệnh, không ai tử vong",
    ),
    ("Kỳ thi tới bỏ môn Sử, chắc chắn luôn, chuyển tiếp nhé", "Bộ GD&ĐT trả lời báo Thanh Niên sáng nay: kỳ thi tới không bỏ môn Sử"),
    (
        "ai chua doi the bao hiem la mat het quyen loi, share gap",
        "bao hiem xa hoi huyen thong bao tren trang chinh thuc: the bao hiem cu van dung duoc den het nam",
    ),
    (
        "Đang có nhóm bắt cóc học sinh quanh trường, phụ huynh chia sẻ gấp",
        "Công an phường cho biết tại buổi họp sáng nay: không có nhóm bắt cóc học sinh nào quanh trường",
    ),
    ("Xăng mai lên 40 nghìn một lít, đi đổ gấp", "Bộ Công Thương công bố chiều nay, báo Lao Động đăng lại: xăng mai lên 400 đồng một lít"),
]

WARNINGS = [
    ("Nhận làm chứng chỉ tin học không cần thi, lấy trong ngày", "Cảnh giác nơi mời làm chứng chỉ tin học không cần thi, đó là lừa đảo"),
    ("Vay tiền nhanh chỉ cần căn cước, giải ngân 10 phút, ib em", "Các bạn đừng dính vào chỗ vay tiền nhanh chỉ cần căn cước, lãi cắt cổ đó"),
    ("Cần mua lại tài khoản ngân hàng, 2 triệu một cái, ib", "Ai rủ bán tài khoản ngân hàng 2 triệu một cái thì từ chối ngay, dính tội như chơi"),
    (
        "Kèo thơm tối nay, nạp lần đầu tặng 50%, vào link đặt cược",
        "Mấy trang khoe kèo thơm, nạp lần đầu tặng 50% đều là cờ bạc, mong các em tránh xa",
    ),
    ("Bán pod vị nho cho học sinh, giao tại cổng trường", "Phụ huynh chú ý có người bán pod vị nho cho học sinh ở cổng trường, đã báo công an"),
    ("Thi hộ tiếng Anh đầu ra, bao đậu, cọc 500k", "Trường nhắc sinh viên: thi hộ tiếng Anh đầu ra sẽ bị đuổi học, xin đừng tin lời bao đậu"),
    ("Tuyển cộng tác viên chốt đơn, nạp 300k nhận hoa hồng 40%", "Cảnh báo chiêu tuyển cộng tác viên chốt đơn, bắt nạp 300k rồi biến mất"),
    ("ban phao hoa no tu che, gia re, ship tan nha", "dung mua phao hoa no tu che, nam ngoai xom em co nguoi cut tay vi no"),
    ("Có đề thi học kỳ môn Lý, 300k, ai lấy ib", "Người rao có đề thi học kỳ môn Lý giá 300k chỉ lấy tiền rồi chặn, các bạn cảnh giác"),
    ("Làm giấy ra viện có dấu đỏ, 150k một tờ", "Dùng giấy ra viện giả có dấu đỏ là phạm pháp, công ty đã phát hiện và báo công an"),
    ("Bấm link nhập mã OTP để nhận quà tri ân 2 triệu", "Tin nhắn bảo bấm link nhập mã OTP để nhận quà là giả mạo, tuyệt đối không làm theo"),
    ("Bán dao bấm, côn nhị khúc, giá cho sinh viên", "Em thấy có người rao bán dao bấm, côn nhị khúc cho sinh viên, em báo nhà trường rồi ạ"),
]

QUOTES = [
    ("Mày là đồ ngu như bò", "Nói với bạn 'mày là đồ ngu như bò' là bắt nạt, xin các em đừng nói vậy"),
    ("Bọn miền núi toàn lũ mọi rợ", "Mình buồn khi đọc câu 'bọn miền núi toàn lũ mọi rợ', ai viết nên xin lỗi"),
    ("Thằng pê đê bệnh hoạn", "Gọi bạn mình là 'thằng pê đê bệnh hoạn' là kỳ thị, nhóm không chấp nhận"),
    ("Con béo như lợn kia, nhìn phát ớn", "Bình luận 'con béo như lợn kia' đã bị xoá, mong mọi người tôn trọng ngoại hình của nhau"),
    ("Đồ tàn tật, ở nhà cho rồi", "Có người bảo em 'đồ tàn tật, ở nhà cho rồi', em tổn thương lắm, xin đừng nói thế với ai"),
    ("lu nha que do di cho khac choi", "ai noi 'lu nha que do di cho khac choi' thi nen xem lai minh, que nao cung dang quy"),
    ("Thầy gì mà óc chó", "Em không đồng ý với bạn gọi thầy là 'óc chó', bất bình thì góp ý đàng hoàng"),
    ("Con đĩ đó cướp bạn trai người ta", "Đừng gọi con gái người ta là 'con đĩ' chỉ vì nghe đồn, chửi như thế là xúc phạm"),
    ("Thằng lùn xấu như ma", "Bạn nào còn trêu 'thằng lùn xấu như ma' thì cô mời phụ huynh, đó là xúc phạm bạn"),
    ("Đàn bà biết gì mà nói, ngu thì im", "Câu 'đàn bà biết gì mà nói, ngu thì im' thật khó chấp nhận, phụ nữ cũng có quyền lên tiếng"),
]

RUMOUR_OPENINGS = [
    "tuần sau trường mình nghỉ học hai ngày",
    "bưởi ăn chung với tôm là ngộ độc",
    "chợ thị trấn sắp bị giải toả",
    "có người lạ đứng ở cổng trường xin chở học sinh về",
    "sữa học đường đợt này hết hạn",
    "tối nay cả xã mất điện",
    "thịt heo ở chợ bị nhiễm sán",
    "năm sau bỏ thi học sinh giỏi",
    "đợt rét này kéo dài tới hai tháng",
    "bệnh viện huyện hết thuốc rồi",
    "thang sau ve xe buyt tang gap ba",
    "nước giếng xóm trên có chất độc",
]
RUMOURS = [(claim, f"Nghe nói {claim}, share gấp cho mọi người biết") for claim in RUMOUR_OPENINGS]


@pytest.mark.parametrize(
    ("pairs", "category", "sign", "share"),
    [
        pytest.param(EPITHETS, Category.INSULT, 1, 0.9, id="an epithet at a person raises insult"),
        pytest.param(SOURCES, Category.FALSE_INFO, -1, 0.8, id="a named source lowers false_info"),
        pytest.param(WARNINGS, Category.UNLAWFUL, -1, 0.9, id="a warning instead of the offer lowers unlawful"),
        pytest.param(QUOTES, Category.INSULT, -1, 0.8, id="quoting to condemn lowers insult"),
        pytest.param(RUMOURS, Category.FALSE_INFO, 1, 0.9, id="hearsay and urging to share raise false_info"),
    ],
)
def test_change_moves_the_probability_the_right_way(
    moderator: Moderator, pairs: list[tuple[str, str]], category: Category, sign: int, share: float
) -> None:
    before = moderator.score([first for first, _ in pairs])[f"p_{category}"]
    after = moderator.score([second for _, second in pairs])[f"p_{category}"]
    way_left = 1 - before if sign > 0 else before
    change = sign * (after - before)
    right = (change > 0) & (change >= (way_left / 2).clip(upper=LEAST_CHANGE))
    wrong = {second: (p, q) for (_, second), p, q, moved in zip(pairs, before, after, right, strict=True) if not moved}
    assert right.mean() >= share, wrong
