"""Which sentences claim a cause: a table that a marketer can read."""

import pytest

from analysis.reporting.causal_words import claims

CLAIMS_ZH = [
    "发券导致流失",
    "私聊带来 300 个订单",
    "私聊带来了 300 个订单",
    "发券使复购率提高了 3 个百分点",
    "新话术使得人均消费上升 ¥12",
    "新话术让复购率提升了 3 个点",
    "这次活动让客户多买 2 次",
    "因为发了券，复购率是 12%",
    "复购上升，归功于私聊",
    "复购上升要归功活动",
    "流失减少由于关怀",
    "发券提高了复购率",
    "关怀短信降低了流失率",
    "私聊挽回了 300 位客户",
    "多亏这次活动，多卖了 ¥3,000",
    "大促拉动消费 ¥3 万",
    "打扰造成 20 位客户删好友",
    "频繁触达引起 20 次删除",
    "得益于会员日，消费额是 ¥3 万",
    "这都是私聊的功劳",
    "不仅带来 300 个订单，还省了钱",
    "不断触达导致 20 位客户离开",
    "不过，私聊带来了 300 个订单",
    "没收到短信的人里，电话带来 30 单",
    "预计流失 300 人，券停发导致 200 人离开",
    "优惠券把复购率拉高了 2 个点",
    "优惠券把复购率从 10% 提高到 12%",
    "复购率被优惠券拉高 2 个点",
    "提高复购率 3 个点的是私聊",
    "靠私聊，复购率提高了 3 个点",
    "频繁推送使得 20 位客户删除好友",
    "短信促使 80 位沉睡客户回来",
]
SILENT_ZH = [
    "收到私聊的客户多买 300 单",
    "复购率提高了 3 个百分点",
    "复购率提升了很多",
    "流失率下降，同时私聊变多",
    "私聊伴随着 300 个订单",
    "没有证明发券带来订单",
    "不能说是发券带来的",
    "这不是私聊导致的",
    "还没有证据说明发券提高了复购率",
    "并没有使复购率提高",
    "发券带来不了订单",
    "发券带来了订单吗",
    "发券到底带来多少订单？",
    "先看活动留住了多少人",
    "是否因为发券，还不知道",
    "如果发券使复购率提高 3 个点，这一轮看得清",
    "要是真有效，会带来 300 单",
    "预计带来 300 单",
    "假设会带来 300 单",
    "可能导致 20 位客户删好友",
    "因为样本太少，区间很宽",
    "由于历史不够长，没有检验",
    "「发券导致流失」是别人的说法",
    "为了带来新客，先做调查",
    "使用私聊的客户有 300 位",
    "让员工每天少发 3 条",
    "比运气所致高 0.02",
    "名单由员工挑选，因此不能相比",
    "每减少一次触达，少花 ¥3",
    "使两组可比，先随机",
    "别以为是发券带来的",
]
CLAIMS_EN = [
    "The coupon caused 300 more orders",
    "The coupon led to 300 more orders",
    "Private chat drove 300 orders",
    "Growth was driven by private chat",
    "300 orders more, thanks to the coupon",
    "The coupon lifted repurchase by 3 points",
    "The message boosted spend by ¥12",
    "Repurchase rose due to the coupon",
    "The coupon increased repurchase by 3 points",
    "Care messages reduced churn by 2 points",
    "Chat improved the buying rate",
    "Churn fell because staff wrote more often",
    "The campaign resulted in 300 orders",
    "The rise is attributable to the campaign",
    "The campaign brought 300 orders",
    "The campaign won 300 customers back",
    "The campaign generated ¥3,000",
    "The message made customers buy twice",
    "It worked: 300 more orders",
    "Not only cheap, it caused 300 more orders",
    "The coupon not only caused orders but joy",
    "Contacting everybody raises churn",
    "Of customers who did not answer, the call brought 30",
    "Coupons gave us 300 more orders",
    "As a consequence of the coupon, repurchase rose",
    "The coupon added 300 orders",
    "The coupon helped repurchase grow by 3 points",
    "Messages drive 20 deletions a week",
    "Spend was increased by the coupon",
    "Every message causes 3 deletions",
    "The campaign saved 300 customers",
    "It reduces deletions by 20",
    "Touching everybody makes ¥1,960",
    "300 are expected to leave, and stopping coupons caused 200 of them",
]
SILENT_EN = [
    "Customers who got the coupon bought 300 more",
    "Spend increased by 3 points",
    "Spend increased",
    "The coupon goes with 300 more orders",
    "Nothing shows that the coupon caused orders",
    "It is not known to have caused any",
    "This does not mean that the message caused orders",
    "The coupon never led to more",
    "The coupon caused no more orders",
    "Did the coupon cause more orders?",
    "Whether the coupon drove them cannot be told",
    "See whom the message really brought",
    "If the coupon lifted repurchase by 3 points, this round would show it",
    "Had it caused that, the interval would not hold zero",
    "It would have caused 300 orders",
    "It is expected to have brought 300 orders",
    "The coupon is assumed to bring 300 orders",
    "As assumed, each touch costs more than it brings",
    "It may have led to deletions",
    "No interval, because the sample is small",
    "Wide due to few customers",
    "A reduced price, an increased budget",
    "“Caused” may be said of A and B only",
    "Purchases were only brought forward",
    "A 95% interval of the increase",
    "Usual causes: a filter before sending",
    "Customers due to reorder: 300",
    "No evidence that chat improves retention",
    "Improved model scores are shown",
    "We cannot tell what caused it",
    "Touching everybody would make ¥1,960",
    "The share of customers who earn points",
]


@pytest.mark.parametrize("sentence", CLAIMS_ZH)
def test_it_finds_a_claim_in_chinese(sentence):
    assert claims(sentence, language="zh")


@pytest.mark.parametrize("sentence", SILENT_ZH)
def test_no_claim_is_seen_where_chinese_makes_none(sentence):
    assert claims(sentence, language="zh") == []


@pytest.mark.parametrize("sentence", CLAIMS_EN)
def test_it_finds_a_claim_in_english(sentence):
    assert claims(sentence, language="en")


@pytest.mark.parametrize("sentence", SILENT_EN)
def test_no_claim_is_seen_where_english_makes_none(sentence):
    assert claims(sentence, language="en") == []


def test_the_words_that_grades_give_are_told_apart():
    from analysis.evidence import Grade, worded

    for grade in Grade:
        said = worded({"zh": "发券<verb> 300 单，<noun>", "en": "The coupon <verb> 300 orders, an <noun>"}, grade=grade)
        for language in ("zh", "en"):
            assert bool(claims(said[language], language=language)) == (grade.value in "AB")
