"""Every column once: what it means, its unit, and what a reader sees above it.

Tables on pages and axes of charts take their labels from here, so a column is never called two things.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["FIELDS", "Field", "label"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column that is shown or kept.

    Attributes:
        zh: Label in Chinese.
        en: Label in English.
        unit: A unit of ``analysis.numerals.UNITS``, or "" for text and dates.
        meaning_zh: What it means, in Chinese; empty where the label says it.
        meaning_en: What it means, in English.
    """

    zh: str
    en: str
    unit: str = ""
    meaning_zh: str = ""
    meaning_en: str = ""


def label(name: str, *, language: str) -> str:
    """Return the label of a column, or its name if it has none.

    A column of one channel is named after the column of all, two underscores and the channel.

    Examples:
        >>> label("n_read_30d__moments", language="en")
        'Touches read, last 30 days (moments)'
    """
    stem, _, part = name.partition("__")
    field = FIELDS.get(name) or FIELDS.get(stem)
    if field is None:
        return name
    text = field.zh if language == "zh" else field.en
    if name in FIELDS or not part:
        return text
    return f"{text}（{part}）" if language == "zh" else f"{text} ({part})"


FIELDS: Final[dict[str, Field]] = {
    # --- keys
    "customer_id": Field("客户编号", "Customer"),
    # --- features: rfm and purchase history
    "n_orders": Field("订单数", "Orders", "orders"),
    "revenue": Field("消费额", "Revenue", "money", "扣除退款后的实付金额合计", "Amount paid, net of refunds"),
    "mean_order_value": Field("客单价", "Order value", "money"),
    "first_order_on": Field("首单日", "First order"),
    "last_order_on": Field("末单日", "Last order"),
    "days_since_last_order": Field("距上次下单天数", "Days since last order", "days"),
    "tenure_days": Field("首单至今天数", "Days since first order", "days"),
    "frequency": Field(
        "复购期数",
        "Repeat purchase periods",
        "count",
        "首购之后有购买的期数",
        "Periods with a purchase after the first",
    ),
    "recency": Field("末次复购时的龄期", "Age at the last repeat purchase", "days"),
    "T": Field("观察期末的龄期", "Age at the end of the period", "days"),
    "monetary_value": Field("复购均额", "Mean value of repeat purchases", "money"),
    "sum_log_gaps": Field(
        "购买间隔对数之和",
        "Sum of log gaps between purchases",
        "score",
        "相邻两次购买间隔（时间单位）的自然对数之和，供规律性模型使用",
        "Natural logarithms of the gaps between purchases, in time units, added up: read by models with regular timing",
    ),
    # --- features: behaviour
    "n_orders_30d": Field("近 30 天订单数", "Orders, last 30 days", "orders"),
    "n_orders_90d": Field("近 90 天订单数", "Orders, last 90 days", "orders"),
    "n_orders_180d": Field("近 180 天订单数", "Orders, last 180 days", "orders"),
    "n_orders_365d": Field("近 365 天订单数", "Orders, last 365 days", "orders"),
    "order_value_trend": Field(
        "客单价趋势",
        "Order value, recent over earlier",
        "ratio",
        "近 90 天客单价除以此前客单价",
        "Mean order value of the last 90 days over the mean before",
    ),
    "share_weekend": Field("周末下单占比", "Orders on weekends", "share"),
    "share_night": Field("0–5 点下单占比", "Orders at night (0-5 h)", "share"),
    "share_morning": Field("6–11 点下单占比", "Orders in the morning (6-11 h)", "share"),
    "share_afternoon": Field("12–17 点下单占比", "Orders in the afternoon (12-17 h)", "share"),
    "share_evening": Field("18–23 点下单占比", "Orders in the evening (18-23 h)", "share"),
    "median_gap_days": Field(
        "购买间隔中位数",
        "Median gap between purchases",
        "days",
        "相邻购买日之间的天数",
        "Days between one purchase day and the next",
    ),
    "std_gap_days": Field("购买间隔标准差", "Spread of gaps between purchases", "days"),
    "last_gap_ratio": Field(
        "末次间隔比",
        "Last gap over mean gap",
        "ratio",
        "最近一次购买间隔除以平均间隔",
        "The latest gap between purchases over the mean gap",
    ),
    "overdue_ratio": Field(
        "逾期比",
        "Days since last order over median gap",
        "ratio",
        "距上次下单天数除以购买间隔中位数；大于 1 表示比平时久",
        "Above 1: quieter than usual",
    ),
    "discount_share": Field(
        "折扣占比", "Discount", "share", "优惠金额占折前金额", "Discount over the value before discount"
    ),
    "coupon_share": Field("用券订单占比", "Orders with a coupon", "share"),
    "mean_quantity": Field("每单件数", "Items an order", "count"),
    "n_categories": Field("购买品类数", "Categories bought", "count"),
    "top_category_share": Field("最常买品类占比", "Orders in the top category", "share"),
    "n_refunds": Field("退款次数", "Refunds", "count"),
    "refund_share": Field(
        "退款占比", "Refunded", "share", "退款金额占退款前金额", "Refunds over the value before refunds"
    ),
    # --- features: exposure
    "n_assigned_7d": Field("近 7 天计划触达", "Touches planned, last 7 days", "touches"),
    "n_assigned_30d": Field("近 30 天计划触达", "Touches planned, last 30 days", "touches"),
    "n_assigned_90d": Field("近 90 天计划触达", "Touches planned, last 90 days", "touches"),
    "n_delivered_7d": Field("近 7 天送达触达", "Touches delivered, last 7 days", "touches"),
    "n_delivered_30d": Field("近 30 天送达触达", "Touches delivered, last 30 days", "touches"),
    "n_delivered_90d": Field("近 90 天送达触达", "Touches delivered, last 90 days", "touches"),
    "n_read_7d": Field("近 7 天已读触达", "Touches read, last 7 days", "touches"),
    "n_read_30d": Field("近 30 天已读触达", "Touches read, last 30 days", "touches"),
    "n_read_90d": Field("近 90 天已读触达", "Touches read, last 90 days", "touches"),
    "n_replied_7d": Field("近 7 天已回复触达", "Touches replied to, last 7 days", "touches"),
    "n_replied_30d": Field("近 30 天已回复触达", "Touches replied to, last 30 days", "touches"),
    "n_replied_90d": Field("近 90 天已回复触达", "Touches replied to, last 90 days", "touches"),
    "days_since_last_touch": Field("距上次触达天数", "Days since last touch", "days"),
    "days_since_last_read": Field("距上次阅读天数", "Days since last read", "days"),
    "days_since_last_reply": Field("距上次回复天数", "Days since last reply", "days"),
    "n_contacts": Field("可联系的员工好友数", "Contacts alive", "contacts"),
    "n_contacts_deleted": Field("已删除好友数", "Contacts deleted", "contacts"),
    "n_deleted_by_customer": Field("客户主动删除数", "Deleted by the customer", "contacts"),
    "days_since_contact_added": Field("距最近加好友天数", "Days since a contact was added", "days"),
    "days_since_contact_deleted": Field("距最近被删天数", "Days since a contact was deleted", "days"),
    "n_channels_refused": Field("拒绝的渠道数", "Channels refused", "count"),
    "n_channels_granted": Field("同意的渠道数", "Channels consented to", "count"),
    "holdout_purchases": Field("检验期购买期数", "Purchase periods in the holdout period", "count"),
    "holdout_revenue": Field("检验期消费额", "Revenue in the holdout period", "money"),
    # --- counts on pages
    "n_customers": Field("客户数", "Customers", "customers"),
    "share_customers": Field("客户占比", "Share of customers", "share"),
    "share_revenue": Field("消费额占比", "Share of revenue", "share"),
    # --- data_health
    "table": Field("数据表", "Table"),
    "grain": Field("一行是什么", "One row is"),
    "present": Field("有没有", "There?"),
    "reason": Field("原因", "Reason"),
    "rows_in": Field("来源行数", "Rows in", "rows"),
    "rows_used": Field("使用", "Used", "rows"),
    "rows_duplicate": Field("完全重复", "Duplicates", "rows"),
    "rows_anonymous": Field("匿名销售", "Anonymous", "rows"),
    "rows_after_as_of": Field("报告日之后", "After the day", "rows"),
    "rows_quarantined": Field("搁置", "Put aside", "rows"),
    "share_quarantined": Field("占来源行数", "Share of rows in", "share"),
    "first_day": Field("最早一天", "First day", "date"),
    "last_day": Field("最晚一天", "Last day", "date"),
    "columns_present": Field("已接入的列", "Columns there", "columns"),
    "columns_missing": Field("缺的列", "Columns missing"),
    "week_ends_on": Field("周末日", "Week ending", "date"),
    # --- tiers
    "tier": Field("分层", "Tier"),
    "level": Field("档位", "Level", "count"),
    "max_days": Field("距上次下单至多", "Days since last order, at most", "days"),
    "min_orders": Field("订单至少", "Orders, at least", "orders"),
    "min_revenue": Field("消费额至少", "Revenue, at least", "money"),
    "median_revenue": Field("消费额中位数", "Median revenue", "money"),
    "median_days_since_last_order": Field("距上次下单中位数", "Median days since last order", "days"),
    "from_number": Field("原编号", "No. then"),
    "to_number": Field("现编号", "No. now"),
    "from_group": Field("原分层", "Tier then"),
    "to_group": Field("现分层", "Tier now"),
    "n_from": Field("原分层人数", "Customers then", "customers"),
    "share": Field("占原分层", "Share of those then", "share"),
    "priority": Field("次序", "Priority", "count"),
    "n_listed": Field("上名单", "On the list", "customers"),
    "revenue_listed": Field("名单内消费额", "Revenue of those listed", "money"),
    # --- segments
    "segment": Field("人群", "Segment"),
    "trait": Field("行为", "Trait"),
    "difference": Field(
        "与全体的差距",
        "Difference from all",
        "score",
        "该群均值减全体均值，单位为全体的标准差",
        "Mean of the segment minus mean of all, in standard deviations of all customers",
    ),
    "median_n_orders": Field("订单数中位数", "Median orders", "orders"),
    "median_order_value": Field("客单价中位数", "Median order value", "money"),
    "k": Field("群数", "Groups", "count"),
    "jaccard": Field(
        "稳定度", "Stability", "score", "重抽样中再次找到的程度，0–1", "How well it is found again, 0 to 1"
    ),
    "worst_jaccard": Field("最不稳一群的稳定度", "Stability of the worst group", "score"),
    "smallest_share": Field("最小一群占比", "Smallest group", "share"),
    "resamples": Field("重抽样次数", "Resamples", "times"),
    "accepted": Field("是否达标", "Accepted"),
    "since": Field("沿用", "Carried over"),
    # --- churn
    "p_churn": Field(
        "流失概率",
        "Probability of leaving",
        "share",
        "在期限内没有一笔未退款订单的概率",
        "Of no unrefunded purchase within the horizon",
    ),
    "revenue_last_year": Field("近 365 天消费额", "Revenue, last 365 days", "money"),
    "revenue_in_horizon": Field(
        "期限内应有消费额",
        "Revenue due within the horizon",
        "money",
        "近 365 天消费额按期限折算",
        "Last 365 days' revenue, in proportion to the horizon",
    ),
    "value_at_risk": Field(
        "风险金额",
        "Money at risk",
        "money",
        "流失概率 × 期限内应有消费额",
        "Probability of leaving × revenue due within the horizon",
    ),
    "value_at_risk_each": Field("人均风险金额", "Money at risk, each", "money"),
    "value_band": Field("按消费", "By spending"),
    "risk_band": Field("按风险", "By risk"),
    "expected_leavers": Field("预计流失", "Expected to leave", "customers"),
    "mean_p_churn": Field("预测流失率", "Forecast to leave", "share"),
    "churn_rate": Field("实际流失率", "Actually left", "share"),
    "origin_on": Field("观察日", "Looked at on", "date"),
    "role": Field("用于", "Used for"),
    "p_from": Field("概率从", "Probability from", "share"),
    "p_to": Field("到", "to", "share"),
    "driver": Field("依据", "What it leans on"),
    "error_rise": Field(
        "没有它误差增加",
        "Error grows without it",
        "share",
        "打乱这一项后，预测误差（对数损失）增加的比例",
        "By how much the log loss rises when this is taken from another customer",
    ),
    "contrast": Field("典型值", "Typical values"),
    "forecast_by": Field("预测方法", "Forecast by"),
    "log_loss": Field("对数损失", "Log loss", "score", "越低越准；0 是完全准", "The lower the better; 0 is perfect"),
    "calibration_log_loss": Field(
        "校准窗口的对数损失",
        "Log loss, calibration window",
        "score",
        "两个简单模型里用哪个，由它决定",
        "It decides which of the simple forecasts stands in",
    ),
    "auc": Field(
        "排序能力（AUC）", "Ranking (AUC)", "score", "0.5 等于抛硬币，1 是完全分开", "0.5 is a coin, 1 is perfect"
    ),
    "calibration_slope": Field(
        "校准斜率", "Calibration slope", "score", "1 最好，小于 1 说得太满", "1 is best, below 1 too bold"
    ),
    "excess_ece": Field(
        "校准误差（扣除运气）",
        "Error beyond luck",
        "points",
        "预测与实际之差的均值，减去运气所致",
        "Mean distance of forecast and outcome, less what luck gives",
    ),
    "gates": Field("过关", "Gates passed"),
    "is_used": Field("本页采用", "Used here"),
    "delete_band": Field("按删除概率", "By chance of deletion"),
    "p_delete_from": Field("删除概率从", "Chance of deletion from", "share"),
    "p_churn_from": Field("流失概率从", "Chance of leaving from", "share"),
    "mean_p_delete": Field("平均删除概率", "Mean chance of deletion", "share"),
    "n_different": Field("与截断数据不同", "Differ from truncated data", "customers"),
    # --- value
    "clv": Field(
        "未来毛利（现值）",
        "CLV",
        "money",
        "一位客户在期限内预期毛利的现值",
        "Present value of the margin expected of a customer within the horizon",
    ),
    "clv_each": Field("人均未来毛利", "CLV a head", "money"),
    "clv_each_se": Field("人均的标准误", "Standard error of the mean", "money"),
    "clv_total": Field("未来毛利合计", "CLV in total", "money"),
    "share_clv": Field("占未来毛利", "Share of CLV", "share"),
    "p_alive": Field("还活跃的概率", "P(alive)", "share", "以后还会再买的概率", "Of ever buying again"),
    "expected_purchases": Field("期限内预期购买", "Expected purchases", "number"),
    "order_value": Field("预期每次消费", "Expected value of a purchase", "money"),
    "frequency_band": Field("来得多不多", "Repeat purchases"),
    "silence_band": Field("多久没来", "Days since last order"),
    "frequency_from": Field("复购次数从", "Repeats from", "count"),
    "silent_from": Field("没来天数从", "Silent from", "days"),
    "week": Field("第几周", "Week", "count"),
    "in_calibration": Field("用来拟合", "Fitted to"),
    "actual": Field("实际", "Actual", "count"),
    "forecast": Field("预测", "Forecast", "number"),
    "model": Field("模型", "Model"),
    "predicted": Field("预测", "Forecast", "count"),
    "ridge": Field(
        "弱先验",
        "Weak prior",
        "customers",
        "加在模型参数上的弱先验，相当于几位客户",
        "Prior on the model's parameters, worth so many customers",
    ),
    "mae": Field("人均绝对误差", "Mean absolute error", "number"),
    "rmse": Field("均方根误差", "Root mean squared error", "number"),
    "correlation": Field("相关系数", "Correlation", "score"),
    "log_score": Field(
        "对数得分",
        "Log score",
        "score",
        "模型给实际次数的平均对数概率，越大越好",
        "Mean log probability of the actual count; higher is better",
    ),
    "n_new": Field("新客", "New customers", "customers"),
    "acquisition_spend": Field("获客花费", "Acquisition spend", "money"),
    "cac": Field("获客成本", "CAC", "money", "每位新客的获客花费", "Acquisition spend per new customer"),
    "ltv": Field(
        "累计毛利", "LTV", "money", "每位新客到此月龄的累计毛利", "Cumulative margin of a new customer by that age"
    ),
    "ltv_to_cac": Field("毛利与获客成本之比", "LTV : CAC", "ratio"),
    "payback_months": Field(
        "回本", "Payback", "months", "累计毛利赶上获客成本的月份", "Month in which margin reaches the cost"
    ),
    "months_seen": Field("看到的月龄", "Age seen", "months"),
    # --- next need
    "p_purchase": Field(
        "购买概率", "Probability to buy", "share", "期限内至少买一次的概率", "At least one purchase within the horizon"
    ),
    "p_category": Field("买这一类的概率", "Probability to buy the category", "share"),
    "next_need_from_on": Field(
        "最早",
        "From",
        "date",
        "若在期限内购买，日期有 80% 落在最早与最晚之间",
        "If they buy within the horizon, the day falls between from and until with 80% chance",
    ),
    "next_need_middle_on": Field("居中", "Middle", "date", "早于和晚于它一样可能", "As likely before as after"),
    "next_need_until_on": Field("最晚", "Until", "date"),
    "next_need_category": Field("下一次需要的品类", "Category needed next"),
    "next_need_category_from_on": Field("该品类最早", "Category from", "date"),
    "next_need_category_until_on": Field("该品类最晚", "Category until", "date"),
    "week_from_on": Field("周起", "Week from", "date"),
    "week_until_on": Field("周止", "Week until", "date"),
    "expected_buyers": Field(
        "预计购买",
        "Expected to buy",
        "customers",
        "期限内首次购买落在这一周",
        "First purchase of the horizon in that week",
    ),
    "n_buyers": Field("实际购买", "Bought", "customers"),
    "coverage": Field("落在窗内", "Inside the window", "share", "应为 80%", "80% if honest"),
    "width_days": Field("窗宽", "Length of the window", "days"),
    "pooled_width_days": Field("统一窗宽", "Length of the pooled window", "days"),
    "pit_from": Field("预测分布从", "Forecast distribution from", "share"),
    "pit_to": Field("到", "to", "share"),
    "before": Field("之前", "After buying"),
    "after": Field("接着", "Comes next"),
    "n_spells": Field("次数", "Times bought", "count"),
    "n_followed": Field("接着买的次数", "Times it followed", "count"),
    "share_followed": Field("接着买的比例", "Followed within the horizon", "share"),
    "from_days": Field("最早隔", "From", "days"),
    "middle_days": Field("居中", "Middle", "days"),
    "until_days": Field("最晚隔", "Until", "days"),
    # --- strategies
    "strategy": Field("策略", "Strategy"),
    "incremental_profit": Field(
        "增量利润",
        "Incremental profit",
        "money",
        "比不触达多出的毛利，减去优惠、触达、员工、固定费用和丢失好友的未来价值",
        "Margin above no touch, less offers, touches, staff, fixed costs and the future value of lost contacts",
    ),
    "incremental_orders": Field("增量订单", "More orders", "orders"),
    "incremental_repurchase_rate": Field(
        "增量复购率",
        "Repurchase gain",
        "points",
        "期内至少下一单的客户占比，减去不触达时的占比",
        "Share of customers with an order in the period, less that under no touch",
    ),
    "incremental_deletions": Field("多丢的好友", "Contacts lost", "deletions"),
    "p_best": Field(
        "最优的概率",
        "P(best)",
        "share",
        "在多少抽样里，它的期望利润最高",
        "Share of draws in which its expected profit is the highest",
    ),
    "touches": Field("送达触达", "Touches", "touches"),
    "cost": Field("费用", "Cost", "money"),
    "staff_hours": Field("员工用时", "Staff time", "hours"),
    "incremental_revenue": Field("增量销售", "More revenue", "money", "扣除优惠后", "After offers"),
    "refusals": Field("退订", "Opt-outs", "customers"),
    "reach": Field(
        "触达人群", "Reached", "share", "至少被触达一次的客户占比", "Share of customers touched at least once"
    ),
    "roi": Field("投入产出", "Return", "ratio", "增量利润除以费用", "Incremental profit over cost"),
    "best_strategy": Field("领先的策略", "Leading strategy"),
    "profit_horizon": Field("期末累计利润", "Profit at the horizon", "money"),
    "total_order": Field(
        "连同相互作用的占比",
        "Share with others",
        "share",
        "其他假设都已知时，领先额还剩的变动",
        "Variation of the lead that stays if all other assumptions were known (total Sobol index)",
    ),
    "first_order": Field(
        "单独的占比",
        "Share alone",
        "share",
        "知道这一条后，领先额少掉的变动",
        "Variation of the lead that goes if this one were known (first-order Sobol index)",
    ),
    "prior_middle": Field("假设居中", "Middle assumed", "number"),
    "unit": Field("单位", "Unit"),
    "flip_side": Field("赢家换人", "Winner changes"),
    "flip_value": Field("翻盘点", "At", "number"),
    "flip_rival": Field("届时领先", "Then leads"),
    "most_per_month": Field("每人每月最多触达", "Touches a month, at most", "number"),
    "exam_row": Field("编号", "No."),
    "claim": Field("规律", "Finding"),
    "exam_value": Field("模拟值与 95% 区间", "Simulated, 95% interval"),
    "band": Field("应落在", "Should lie"),
    "verdict": Field("结论", "Verdict"),
    "study": Field("出处", "Study"),
    "expected_uplift": Field("一条私聊的预计增量利润", "Expected gain of a message", "money"),
    "uplift_rank": Field("增量排位", "Rank by uplift", "share", "越接近 0 越靠前", "Near 0 is the best"),
    "key_hour": Field("常下单的时段", "Hour of most orders", "number"),
    "next_need_from_days": Field("下次需求最早还有", "Next need, from", "days"),
    "next_need_middle_days": Field("下次需求居中还有", "Next need, middle", "days"),
    "next_need_until_days": Field("下次需求最晚还有", "Next need, until", "days"),
    "is_contact": Field("是好友", "Is a contact"),
    "grade": Field("证据", "Evidence"),
    "recommended": Field("领先", "Leads"),
    "on_frontier": Field("在前沿上", "On the frontier"),
    "entry": Field("科目", "Entry"),
    "amount": Field("金额", "Amount", "money"),
    "profit_early": Field("前期累计利润", "Profit, early", "money"),
    "profit_late": Field("一年累计利润", "Profit after a year", "money"),
    "early_days": Field("前期", "Early", "days"),
    "late_days": Field("长期", "Long run", "days"),
    "assumption": Field("假设", "Assumption"),
    "assumed_low": Field("偏低时", "When low", "number"),
    "assumed_high": Field("偏高时", "When high", "number"),
    "lead_if_low": Field("偏低时的领先额", "Lead when low", "money"),
    "lead_if_high": Field("偏高时的领先额", "Lead when high", "money"),
    "flips": Field("赢家换人", "Winner changes"),
    "channel": Field("渠道", "Channel"),
    "read_rate": Field("阅读率", "Read rate", "share"),
    "confirm_rate": Field("员工确认率", "Staff confirmation", "share"),
    "cost_per_thousand": Field("每千次费用", "Cost per thousand", "money", "含员工时间", "Staff time included"),
    "source": Field("来源", "Source"),
    # --- send_plan
    "send_hour": Field("时段", "Hour", "count"),
    "contact_id": Field("好友编号", "Contact"),
    "channel_label": Field("渠道名", "Channel name"),
    "message_label": Field("消息", "Message"),
    "reason_text": Field("为什么是这位客户", "Why this customer"),
    "talking_point": Field("怎么说", "What to say"),
    "batch": Field("批次", "Batch", "count"),
    "touch_id": Field("触达编号", "Touch"),
    "campaign_id": Field("活动编号", "Campaign"),
    "template_id": Field("话术编号", "Template"),
    "offer_id": Field("优惠", "Offer"),
    "arm": Field("组别", "Arm"),
    "propensity": Field(
        "被分配的概率",
        "Propensity",
        "share",
        "客户得到这一安排的概率，含随机留出",
        "Probability of this assignment, the holdout included",
    ),
    "staff_id": Field("员工编号", "Staff"),
    "staff_minutes": Field("员工分钟", "Staff minutes", "minutes"),
    "assigned_at": Field("计划时间", "Assigned at"),
    "day": Field("日期", "Day", "date"),
    "message": Field("消息", "Message"),
    "n_touches": Field("触达", "Touches", "touches"),
    "expected_profit": Field(
        "预计增量利润", "Expected profit", "money", "按假设的效果大小算出", "At assumed effect sizes"
    ),
    "profit_each": Field("每次触达", "Per touch", "money"),
    "why": Field("情况", "What happened"),
    "limit": Field("限制", "Limit"),
    "available": Field("可用", "Available", "number"),
    "planned": Field("已排", "Planned", "number"),
    "share_used": Field("用掉", "Used", "share"),
    "more": Field("再多一点", "A little more"),
    "worth_of_more": Field("值", "Is worth", "money"),
    "rule": Field("规则", "Rule"),
    "valid_from": Field("生效", "From", "date"),
    "valid_until": Field("失效", "Until", "date"),
    "n_judged": Field("受判触达", "Touches judged", "touches"),
    "n_over": Field("超出", "Over the cap", "touches"),
    "highest": Field("窗口内最多", "Most in a window", "touches"),
    "last_over_on": Field("最近超出", "Last over", "date"),
    "wish": Field("要求", "Wish"),
    "asked": Field("要", "Asked", "count"),
    "possible": Field("做得到", "Possible", "count"),
    # --- relationship
    "p_delete": Field(
        "删除概率",
        "Probability of deletion",
        "share",
        "客户在期限内删除好友的概率",
        "That the customer deletes the contact within the horizon",
    ),
    "n_open_contacts": Field("未删好友数", "Open contacts", "contacts"),
    "source_state": Field("渠道活码", "Acquisition code"),
    "method": Field("算法", "Method"),
    "door": Field("由谁结束", "Ended by"),
    "days_since_added": Field("加好友后天数", "Days since added", "days"),
    "share_contacts": Field("好友占比", "Share of contacts", "share"),
    "n_at_risk": Field("仍在观察的好友", "Contacts still followed", "contacts"),
    "covariate": Field("因素", "Covariate"),
    "hazard_ratio": Field(
        "删除机会之比",
        "Ratio of the odds",
        "ratio",
        "当天被删除的机会是对照的几倍；只是相伴，不说明因果",
        "Odds that a contact ends on a day, against the comparison; they go together, which is no cause",
    ),
    "n_events": Field("删除数", "Deletions", "deletions"),
    "group": Field("分组", "Group"),
    "n_new_contacts": Field("新加好友", "New contacts", "contacts"),
    "d1": Field("1 天后还在", "After 1 day", "share", "未被客户删除", "Not deleted by the customer"),
    "d7": Field("7 天后还在", "After 7 days", "share", "未被客户删除", "Not deleted by the customer"),
    "d30": Field("30 天后还在", "After 30 days", "share", "未被客户删除", "Not deleted by the customer"),
    "n_early": Field("头 7 天被删", "Deleted within 7 days", "deletions"),
    "n_early_expected": Field("按别组应有", "At the others' rate", "number"),
    "p_value": Field("p 值", "p-value", "score"),
    "q_value": Field(
        "q 值", "q-value", "score", "标出它时，误标的比例至多这么大", "Share of false alarms if it is flagged"
    ),
    "flagged": Field("疑似强制加好友", "Likely forced adds"),
    "n_expected": Field("预测会删", "Expected deletions", "deletions"),
    "n_open": Field("当时未删好友", "Open contacts then", "contacts"),
    "n_deleted": Field("被客户删除", "Deleted by customers", "deletions"),
    # --- experiments
    "metric": Field("指标", "Metric"),
    "n": Field("客户数", "Customers", "customers"),
    "planned_share": Field("计划占比", "Planned share", "share"),
    "actual_share": Field("实际占比", "Actual share", "share"),
    "way": Field("怎么算", "How"),
    "rel_effect": Field(
        "相对变化", "Relative effect", "share", "实验组均值比对照组高出的比例", "Above the control's mean"
    ),
    "mean_money": Field("均值", "Mean", "money"),
    "mean_control_money": Field("对照均值", "Control", "money"),
    "effect_money": Field("效果", "Effect", "money", "按分配相减", "Difference as assigned"),
    "effect_adjusted_money": Field("校正后", "Adjusted", "money"),
    "effect_reached_money": Field("送达者的效果", "Effect on the reached", "money"),
    "mean_rate": Field("均值", "Mean", "share"),
    "mean_control_rate": Field("对照均值", "Control", "share"),
    "effect_rate": Field("效果", "Effect", "points", "按分配相减", "Difference as assigned"),
    "effect_adjusted_rate": Field("校正后", "Adjusted", "points"),
    "effect_reached_rate": Field("送达者的效果", "Effect on the reached", "points"),
    "mean_count": Field("均值", "Mean", "number"),
    "mean_control_count": Field("对照均值", "Control", "number"),
    "effect_count": Field("效果", "Effect", "number", "按分配相减", "Difference as assigned"),
    "effect_adjusted_count": Field("校正后", "Adjusted", "number"),
    "effect_reached_count": Field("送达者的效果", "Effect on the reached", "number"),
    "variance_saved": Field(
        "省下的方差", "Variance saved", "share", "校正让区间变窄多少", "How much adjusting narrows it"
    ),
    "pvalue_holm": Field(
        "p 值（校正）", "p, corrected", "score", "按 Holm 计入全部比较", "All comparisons counted (Holm)"
    ),
    "share_reached": Field("因分配而送达", "Reached by assignment", "share"),
    "first_stage_f": Field("第一阶段 F", "First-stage F", "score"),
    "n_clusters": Field("员工数", "Clusters", "count"),
    # --- campaigns without a random control
    "campaign_name": Field("活动", "Campaign"),
    "n_targeted": Field("收到的客户", "Customers on the list", "customers"),
    "targeted_more": Field("收到的多花", "They spent more", "money", "直接相减", "Plain difference"),
    "targeted_change": Field("减去之前的差", "Less their past", "money", "双重差分", "Difference-in-differences"),
    "targeted_check": Field("再往前的变动", "Move further back", "money", "应在 0 附近", "Should be near 0"),
    "before_on": Field("对比窗口从", "Compared from", "date"),
    # --- experiment design
    "holdout_share": Field("留出比例", "Held out", "share"),
    "n_holdout": Field("留出客户", "Customers held out", "customers"),
    "mde_rel": Field(
        "看得清的最小变化", "Smallest visible change", "share", "占平时均值的比例", "Share of the usual mean"
    ),
    "power": Field("看到的机会", "Chance to see it", "share", "如果盼望的效果为真", "If the hoped effect is true"),
    "holdout_cost": Field(
        "留出的代价", "Cost of holding out", "money", "如果盼望的效果为真", "If the hoped effect is true"
    ),
    "is_planned": Field("计划", "Planned"),
    "n_needed": Field("要多少客户", "Customers it takes", "customers"),
    "n_rounds": Field("要几轮", "Rounds it takes", "times"),
    "measure": Field("事前指标", "Measure"),
    "gap": Field("差距", "Gap", "score", "标准差", "Standard deviations"),
    "spend_before": Field("上一窗口消费", "Spend in the window before", "money"),
    # --- forecast ledger
    "made_on": Field("预测于", "Made on"),
    "due_on": Field("到期", "Due on"),
    "forecast_of": Field("预测什么", "Forecast of"),
    "what": Field("预测什么", "Forecast of"),
    "told": Field("当时说（80% 区间）", "Forecast (80% band)"),
    "came": Field("实际", "Outcome"),
    "inside": Field("落在区间里", "Inside"),
    "error": Field(
        "实际比预测", "Above or below", "share", "实际除以预测的中位数，减 1", "Outcome over median, less 1"
    ),
    "band_low": Field("区间下端", "Band from", "share", "比中位数", "Against the median"),
    "band_high": Field("区间上端", "Band to", "share", "比中位数", "Against the median"),
    "outcome": Field("实际", "Outcome", "share", "比中位数", "Against the median"),
    "n_forecasts": Field("到期预测", "Forecasts due", "forecasts"),
    "n_days": Field("几天做的", "Made on days", "days"),
    "inside_share": Field("落在区间里", "Inside the band", "share", "应为 80%", "80% if honest"),
    "rel_crps": Field(
        "离实际多远", "Distance", "share", "CRPS 除以中位数，越小越好", "CRPS over the median; lower is better"
    ),
    "bias": Field("总体偏差", "Bias", "share", "正：实际比预测多", "Above 0: more came than thought"),
    "rel_width": Field("区间宽度", "Band width", "share", "占中位数", "Of the median"),
    "move": Field("整体上移", "Moved by", "share"),
    "widen": Field("放宽到", "Width times", "ratio"),
    "n_tried": Field("检验用的预测", "Judged on", "forecasts"),
    "inside_before": Field("修正前在内", "Inside before", "share"),
    "inside_after": Field("修正后在内", "Inside after", "share"),
    "crps_gain": Field("误差变化", "Change of distance", "share", "负：修正后更准", "Below 0: better corrected"),
    # --- policy value
    "policy": Field("做法", "Policy"),
    "action": Field("动作", "Action"),
    "value_money": Field("每次决策", "Reward a decision", "money", "双重稳健估计", "Doubly robust"),
    "value_rate": Field("每次决策", "Reward a decision", "share", "双重稳健估计", "Doubly robust"),
    "value_number": Field("每次决策", "Reward a decision", "number", "双重稳健估计", "Doubly robust"),
    "logged_money": Field("记录中的做法", "As logged", "money"),
    "logged_rate": Field("记录中的做法", "As logged", "share"),
    "logged_number": Field("记录中的做法", "As logged", "number"),
    "difference_money": Field("与记录的差", "Against the log", "money"),
    "difference_rate": Field("与记录的差", "Against the log", "points"),
    "difference_number": Field("与记录的差", "Against the log", "number"),
    "n_decisions": Field("决策数", "Decisions", "decisions"),
    "n_matched": Field("与记录相同的决策", "Decisions shared with the log", "decisions"),
    "ess": Field(
        "有效样本", "Effective sample", "decisions", "相当于多少次等权的决策", "Worth so many equal decisions"
    ),
    "share_matched": Field("与记录相同的机会", "Chance to do as logged", "share"),
    "mean_weight": Field("权重平均", "Mean weight", "number", "概率对得上时为 1", "1 if the probabilities are right"),
    "max_weight": Field("最大权重", "Largest weight", "number"),
    "share_heaviest": Field("最重的 1% 占", "Carried by the heaviest 1%", "share"),
    "share_switched": Field("交给模型的", "Left to the model", "share", "switch-DR", "By switch-DR"),
    "is_valued": Field("可以估值", "Valued"),
    "share_logged": Field("记录占比", "Share of the log", "share"),
    "mean_reward_money": Field("记录均值", "Mean in the log", "money"),
    "mean_reward_rate": Field("记录均值", "Mean in the log", "share"),
    "mean_reward_number": Field("记录均值", "Mean in the log", "number"),
    "period_from": Field("从", "From"),
    # --- learning
    "touch_kind": Field("内容", "Content"),
    "rate_kind": Field("比率", "Rate"),
    "n_experiments": Field("实验次数", "Experiments", "count"),
    "prior_days": Field(
        "先验", "Prior", "days", "一次触达值客户自己几天的购买", "Days of own purchases a touch is worth"
    ),
    "measured_days": Field("实验测得", "Measured", "days"),
    "learned_days": Field("合起来", "Together", "days"),
    "effect_days": Field(
        "一次触达的效果", "Effect of a touch", "days", "相当于客户自己几天的购买", "In days of own purchases"
    ),
    "weight_own": Field("自身数据的分量", "Weight of own data", "share"),
    "weight_others": Field("其他格子的分量", "Weight of other cells", "share"),
    "weight_prior": Field("先验的分量", "Weight of the prior", "share"),
    "prior_rate": Field("先验", "Prior", "share"),
    "learned_rate": Field("现在所知", "Known now", "share"),
    "n_seen": Field("计入的触达", "Touches counted", "touches"),
    "is_learned": Field("合起来", "Together"),
    "prior_value": Field("先验居中", "Prior, middle", "number"),
    "learned_value": Field("学习后", "After learning", "number"),
    "share_learned": Field("学到多少", "Learnt", "share", "先验方差少了多少", "Share of the prior's variance gone"),
}
