"""The way round: what a model gets wrong is queued, decided, exported and trained on, and then it is right about posts of the kind."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier.corpus import load_corpus
from classifier.features import prepare
from classifier.params import Params
from classifier.prediction import Moderator
from classifier.registry import load_folder, save_model
from classifier.review.export import SOURCE, write_reviewed
from classifier.review.intake import Intake
from classifier.review.store import Answer, Database, Role, User, audit, people, records, work
from classifier.taxonomy import CATEGORIES
from classifier.text import strip_accents
from classifier.training import choose_bands, fit_classifier

ROOT = Path(__file__).parents[2]
SEED_FILES = ("lop_hoc.csv", "thuong_ngay.csv")
"""Small enough to train on in seconds; they know neither the word nor the trade."""

# Vapes offered to pupils under an invented name, "bút sương", and posts that only share its words or warn of it.
OFFERS = (
    "bút sương vị dưa lưới mới về, cây nào cũng sạc đầy, ai lấy thì ghé dãy sau nhà xe",
    "Còn 3 cây bút sương bạc hà, 120k một cây, tan học mình đứng ở gốc bàng",
    "bạn nào hỏi bút sương hôm trước thì hàng về rồi nha, đủ vị, nhắn riêng mình chỉ chỗ lấy",
    "ai trong khối 9 cần bút sương nhả êm thì để lại dấu chấm, cuối giờ mình nhắn",
    "Bút sương loại nhỏ bỏ lọt túi áo đồng phục, không mùi, thầy cô đứng cạnh cũng chịu",
    "nhận đặt bút sương cho mấy bạn nội trú, gom đủ 5 cây mình mang vào tận phòng",
    "but suong vi xoai con 2 cay, lop 8 lop 9 lay gia re hon, nhan minh",
    "Em út nào mới tập thì lấy bút sương vị kẹo bông cho nhẹ, mình chỉ cách dùng luôn",
    "đổi bút sương hết sương lấy cây mới, bù 60k, gặp ở quán nước đối diện trường",
    "Combo hai bút sương tặng thêm một đầu thay, gói kín, đưa giờ ra chơi",
    "còn bút sương vị nho với vị trà, mỗi bạn một cây thôi, đừng đăng lên nhóm lớp",
    "Hôm nay có bút sương phiên bản trong suốt, nhìn y như bút bi, để trong hộp bút không ai biết",
)
HARMLESS = {
    "Bút chì màu 24 cây còn mới, bạn nào cần vẽ mây vẽ trời thì mình để lại 40k": "everyday",
    "Cô dặn mai mang bút lông với giấy A4 để vẽ mây, ai dư thì cho mình mượn một cây": "everyday",
    "còn 3 cây bút gel mực tím, 5k một cây, ra chơi mình đưa": "everyday",
    "Ai nhặt được hộp bút hình đám mây ở nhà xe thì cho em xin lại ạ": "everyday",
    "trà đào với trà sữa vị dưa lưới ở căng tin mới có, tan học ghé nha": "everyday",
    "Mình bán bút máy luyện chữ, ngòi êm, tặng thêm hai ống mực, bạn nào lớp 6 cần thì nhắn": "everyday",
    "bút bi hết mực thì thay ruột, đừng vứt cả cây nha mấy bạn": "everyday",
    "Lớp 8 bạn nào thiếu bút thi thì qua mình lấy, còn dư hai cây": "everyday",
    "Phụ huynh đừng để con mua 'bút sương', đó là thuốc lá điện tử trá hình, cô vừa thu được một cây": "help",
    "Đoàn trường nhắc: thấy ai rao bút sương thì báo thầy giám thị, hít vào hại phổi": "help",
}
OFFERS_KEPT_BACK = (
    "bút sương vị đào về thêm chục cây, bạn nào cùng trường thì qua bãi xe lấy nha",
    "Mình còn dư một cây bút sương chưa bóc, bạn lớp 8 nào thích vị sữa thì nhắn",
    "ai lấy bút sương thì chốt trước 4 giờ, mai mình mang theo, trả tiền mặt",
    "but suong vi bac ha, nha em, giau duoc trong tui ao khoac, hs lay 100k",
    "Bút sương mini cho bạn mới, thử trước rồi hãy mua, gặp ở cầu thang sau",
    "có bút sương loại thay đầu, mang tới khu nội trú buổi tối, hỏi mình",
)
HARMLESS_KEPT_BACK = (
    "Bút máy nét thanh nét đậm còn 2 cây, bạn nào luyện chữ thì lấy",
    "Mai vẽ mây với cầu vồng, nhớ mang bút màu nha cả lớp",
    "mình dư một hộp bút lông, ai thiếu thì qua lấy",
    "trà sữa vị dưa lưới giảm giá giờ tan học, đi không",
    "Cảnh báo: bút sương là thuốc lá điện tử, phụ huynh nhắc con em mình đừng thử",
    "bút chì 2B còn chục cây, bạn nào thi vẽ thì mình cho",
)


@pytest.fixture(scope="module")
def quick(params: Params) -> Params:
    """One process; and people see whatever the model calls clear, so that this test depends on no draw."""
    prediction = params.prediction.model_copy(update={"processes": 1})
    review = params.review.model_copy(update={"clear_share": 1.0})
    return params.model_copy(update={"prediction": prediction, "review": review})


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project with two files of the seed corpus."""
    (tmp_path / "data" / "seed").mkdir(parents=True)
    for name in SEED_FILES:
        shutil.copy(ROOT / "data" / "seed" / name, tmp_path / "data" / "seed")
    return tmp_path


def trained(params: Params, project: Path, version: str) -> Moderator:
    """Corpus, splits, fit and bands as in a training, without its report."""
    corpus = load_corpus(params.corpus, project, params.seed)
    train, calibration = (corpus.split(name) for name in ("train", "calibration"))
    classifier = fit_classifier(params, train, prepare(train["text"].tolist()))
    chosen = choose_bands(classifier, train, calibration, classifier.predict_proba(calibration["text"].tolist()), params)
    folder = project / "models" / version
    facts = {"posts": {}, "max_characters": params.text.max_characters, "reasons": params.prediction.reasons}
    save_model(folder, classifier, {category: choice.band for category, choice in chosen.items()}, facts)
    return Moderator(load_folder(folder))


def decide_all(database: Database, user: User) -> int:
    """Let somebody who knows the kind go through the queue to its end."""
    decided = 0
    while True:
        with database.writing() as connection:
            taken = work.next_item(connection, 10.0, user.id, 60.0, 0.0, 0.5)
            if taken is None:
                return decided
            harmless = HARMLESS.get(taken.text)
            offer = Answer(frozenset({"unlawful"}), "", 3, "rao thuốc lá điện tử cho học sinh dưới tên khác")
            given = Answer(frozenset(), harmless, 3, "") if harmless else offer
            work.answer(connection, 10.0, user.id, taken.lease_id, given, informed=False)
            decided += 1


def probability(moderator: Moderator, posts: Sequence[str]) -> np.ndarray:
    return moderator.score(posts)["p_unlawful"].to_numpy()


def test_a_kind_of_post_that_the_model_got_wrong_is_reviewed_retrained_and_right(small: Path, quick: Params) -> None:
    before = trained(quick, small, "20260101-000000-aaaaaaaa")
    assert (probability(before, OFFERS_KEPT_BACK) < 0.5).all()  # wrong about every one

    database = Database(f"sqlite:///{small / 'data' / 'review.db'}")
    database.upgrade()
    posts = [*OFFERS, *HARMLESS]
    intake = Intake(quick)
    intake.observe(posts, None, before.score(posts))
    assert intake.queue(database, 1.0, "posts.csv").items == len(posts)
    with database.writing() as connection:
        one, two = (people.add_user(connection, 2.0, name, Role.REVIEWER, "hash") for name in ("lan", "minh"))
    assert decide_all(database, one) == len(posts)
    decide_all(database, two)
    exported = write_reviewed(database, 20.0, small / "data" / "reviewed", quick.review)
    assert exported.posts == len(posts)
    with database.reading() as connection:
        assert records.queue_state(connection, 20.0).empty
        assert audit.verify(connection).fault is None
    database.close()

    after = trained(quick, small, "20260102-000000-bbbbbbbb")
    for typed in (list, lambda kept: [strip_accents(post) for post in kept]):
        assert (probability(after, typed(OFFERS_KEPT_BACK)) > 0.5).all()
        assert (probability(after, typed(HARMLESS_KEPT_BACK)) < 0.5).all()


def test_reviewed_posts_train_with_a_copy_without_accents_as_all_our_own_do(quick: Params) -> None:
    rows = [("seed", "bài một dễ", 0), ("seed", "đồ ngu quá", 1)] * 4 + [(SOURCE, "bút sương", 1)] * 2 + [("vihsd", "trời mưa", 0)] * 2
    posts = pd.DataFrame(rows, columns=["source", "text", "label"])
    posts = posts.assign(
        **dict.fromkeys(CATEGORIES, posts["label"].astype(float)), weight=1.0, group=range(len(posts)), measured=posts["source"] == "seed"
    )
    classifier = fit_classifier(quick, posts, prepare(posts["text"].tolist()))
    known = classifier.vectorizer_.views_["characters"].vocabulary_
    assert {"suong": "suong" in known, "mua": "mua" in known} == {"suong": True, "mua": False}
