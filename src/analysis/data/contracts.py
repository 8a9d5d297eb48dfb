"""Table contracts: what one row is, which columns there are, and when each value became known.

Loading checks against these, the synthetic brands are generated from them, and the documentation is
made of them. ``known_at`` names the column that says when a value became known: the row's own clock
for what is true from the start (an order's amount), a later date column for what happened after (a
read time). A column without ``known_at`` is a snapshot: it may describe a customer on a page but
never feeds a model, because it carries today's knowledge into the past.
"""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CONTRACTS", "TABLE_LABELS", "Column", "Kind", "Table", "day_column"]

Kind = Literal["id", "text", "category", "instant", "date", "money", "number", "count", "share", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a contract.

    Attributes:
        name: Its name in every table after loading.
        kind: What its values are; decides parsing and the stored type.
        zh: Meaning in Chinese.
        en: Meaning in English.
        known_at: The column that says when the value became known; None for a snapshot.
        required: Whether loading fails without it.
        allowed: The allowed values of a category; empty if any.
        unit: Unit of a number, in words.
    """

    name: str
    kind: Kind
    zh: str
    en: str
    known_at: str | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table contract.

    Attributes:
        name: Name of the table.
        grain_zh: What one row is, in Chinese.
        grain_en: What one row is, in English.
        key: Columns that name a row; rows that share it and differ are rejected.
        clock: The instant or date column by which a row is cut at ``as_of``; None if rows have none.
        columns: All columns, required first.
        open: Whether further columns of the source come along under their own names.
        numbered: Whether rows without a key of their own are numbered (touches of a plain contact list).
    """

    name: str
    grain_zh: str
    grain_en: str
    key: tuple[str, ...]
    clock: str | None
    columns: tuple[Column, ...]
    open: bool = False
    numbered: bool = False

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError if the contract has none."""
        return next_or_key_error(self.columns, name)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)


def next_or_key_error(columns: tuple[Column, ...], name: str) -> Column:
    """Return the column of that name; KeyError if there is none."""
    for column in columns:
        if column.name == name:
            return column
    raise KeyError(name)


def day_column(instant: str) -> str:
    """Return the name of the local calendar day that loading adds beside each instant column.

    Examples:
        >>> day_column("ordered_at")
        'ordered_on'
    """
    return f"{instant.removesuffix('_at')}_on"


def _table(
    name: str,
    grain_zh: str,
    grain_en: str,
    *,
    key: str,
    clock: str | None,
    columns: tuple[Column, ...],
    is_open: bool = False,
    numbered: bool = False,
) -> Table:
    return Table(name, grain_zh, grain_en, tuple(key.split()), clock, columns, is_open, numbered)


def _key(name: str, zh: str, en: str, known_at: str | None) -> Column:
    return Column(name, "id", zh, en, known_at, required=True)


def _clock(name: str, zh: str, en: str, *, required: bool = True) -> Column:
    return Column(name, "instant", zh, en, name, required=required)


_ORDERS = _table(
    "orders",
    "一笔订单",
    "an order",
    key="order_id",
    clock="ordered_at",
    columns=(
        _key("order_id", "订单号", "order id", "ordered_at"),
        _key("customer_id", "客户编号；空为匿名销售", "customer id; empty for an anonymous sale", "ordered_at"),
        _clock("ordered_at", "下单时间", "time of the order"),
        Column(
            "amount",
            "money",
            "实付金额，折后；退款为负",
            "amount paid, net of discount; refunds negative",
            "ordered_at",
            required=True,
            unit="currency",
        ),
        Column(
            "status",
            "category",
            "订单状态（快照，除非有 refunded_at）",
            "state of the order (a snapshot unless refunded_at is there)",
            "refunded_at",
            allowed=("paid", "refunded", "cancelled"),
        ),
        Column("refunded_at", "instant", "退款时间", "time of the refund", "refunded_at"),
        Column("refund_of", "id", "本行退款所对应的订单号", "the order that this row refunds", "ordered_at"),
        Column("discount", "money", "优惠金额", "discount given", "ordered_at", unit="currency"),
        Column("cost", "money", "商品成本", "cost of the goods", "ordered_at", unit="currency"),
        Column("quantity", "number", "件数", "items", "ordered_at", unit="items"),
        Column("category", "category", "主要品类", "main category", "ordered_at"),
        Column("shop_channel", "category", "成交渠道", "shop channel", "ordered_at"),
        Column("coupon_id", "id", "使用的券", "coupon used", "ordered_at"),
    ),
)
_ORDER_ITEMS = _table(
    "order_items",
    "订单的一行",
    "a line of an order",
    key="order_id sku",
    clock=None,
    columns=(
        _key("order_id", "订单号", "order id", "order_id"),
        _key("sku", "商品编号", "product id", "order_id"),
        Column("quantity", "number", "件数", "items", "order_id", required=True, unit="items"),
        Column("amount", "money", "金额，折后", "amount, net of discount", "order_id", required=True, unit="currency"),
        Column("category", "category", "品类", "category", "order_id"),
    ),
)
_CUSTOMERS = _table(
    "customers",
    "品牌认识的一个人",
    "a person known to the brand",
    key="customer_id",
    clock="first_seen_at",
    columns=(
        _key("customer_id", "客户编号", "customer id", "first_seen_at"),
        _clock("first_seen_at", "首次出现时间", "first seen", required=False),
        Column("source", "category", "来源", "source of acquisition", "first_seen_at"),
        Column("acquisition_cost", "money", "获客成本", "cost of acquisition", "first_seen_at", unit="currency"),
        Column("gender", "category", "性别", "gender", "first_seen_at"),
        Column("birth_year", "count", "出生年", "year of birth", "first_seen_at", unit="year"),
        Column("city_tier", "category", "城市级别", "city tier", "first_seen_at"),
        Column("member_level", "category", "会员等级（快照）", "member level (a snapshot)"),
        Column("points", "number", "积分（快照）", "points (a snapshot)", unit="points"),
        Column("unionid", "id", "开放平台统一编号", "unionid of the open platform", "first_seen_at"),
        Column("phone_hash", "id", "手机号哈希", "hash of the phone number", "first_seen_at"),
    ),
)
_CONTACTS = _table(
    "contacts",
    "一个人作为一名员工的好友",
    "a person as a contact of one member of staff",
    key="contact_id",
    clock="added_at",
    numbered=True,
    columns=(
        _key("contact_id", "好友关系编号", "contact id", "added_at"),
        _key("customer_id", "客户编号", "customer id", "added_at"),
        _key("staff_id", "员工编号", "member of staff", "added_at"),
        _clock("added_at", "添加时间", "added"),
        Column("deleted_at", "instant", "删除时间", "deleted", "deleted_at"),
        Column("deleted_by", "category", "谁删除的", "who deleted", "deleted_at", allowed=("customer", "staff")),
        Column("source_state", "category", "渠道活码", "acquisition code", "added_at"),
        Column("account_id", "id", "企微账号", "WeCom account", "added_at"),
    ),
)
_TOUCHES = _table(
    "touches",
    "对一位客户的一次计划触达",
    "one planned contact with one customer",
    key="touch_id",
    clock="assigned_at",
    numbered=True,
    columns=(
        _key("touch_id", "触达编号", "touch id", "assigned_at"),
        _key("customer_id", "客户编号", "customer id", "assigned_at"),
        Column("channel", "category", "渠道", "channel", "assigned_at", required=True),
        _key("campaign_id", "活动编号", "campaign id", "assigned_at"),
        _clock("assigned_at", "计划时间", "assigned"),
        Column("arm", "category", "实验组别", "arm", "assigned_at"),
        Column("propensity", "share", "被分配的概率", "probability of this assignment", "assigned_at"),
        Column("staff_id", "id", "员工编号", "member of staff", "assigned_at"),
        Column("contact_id", "id", "好友关系编号", "contact id", "assigned_at"),
        Column("group_id", "id", "客户群编号", "customer group", "assigned_at"),
        Column("template_id", "id", "话术模板", "template", "assigned_at"),
        Column("content_format", "category", "内容形式", "content format", "assigned_at"),
        Column("offer_id", "id", "优惠编号", "offer", "assigned_at"),
        Column("confirmed_at", "instant", "员工确认时间", "confirmed by staff", "confirmed_at"),
        Column("delivered_at", "instant", "送达时间", "delivered", "delivered_at"),
        Column(
            "send_status",
            "count",
            "发送结果：0 未发送，1 已发送，2 已非好友，3 已收过其他群发",
            "send result: 0 not sent, 1 sent, 2 no longer a contact, 3 had another mass message",
            "delivered_at",
            allowed=("0", "1", "2", "3"),
        ),
        Column("read_at", "instant", "阅读时间", "read", "read_at"),
        Column("clicked_at", "instant", "点击时间", "clicked", "clicked_at"),
        Column("replied_at", "instant", "回复时间", "replied", "replied_at"),
        Column("cost", "money", "触达成本", "cost", "assigned_at", unit="currency"),
        Column("staff_minutes", "number", "员工用时", "staff minutes", "assigned_at", unit="minutes"),
    ),
)
_CAMPAIGNS = _table(
    "campaigns",
    "一场活动",
    "a campaign",
    key="campaign_id",
    clock="starts_at",
    columns=(
        _key("campaign_id", "活动编号", "campaign id", "starts_at"),
        Column("name", "text", "名称", "name", "starts_at", required=True),
        _clock("starts_at", "开始时间", "starts"),
        Column("ends_at", "instant", "结束时间", "ends", "starts_at"),
        Column("objective", "category", "目标", "objective", "starts_at"),
        Column("hypothesis", "text", "假设", "hypothesis", "starts_at"),
        Column("response_window_days", "count", "观察期", "response window", "starts_at", unit="days"),
        Column("holdout_share", "share", "计划留出比例", "planned holdout share", "starts_at"),
    ),
)
_ASSIGNMENTS = _table(
    "assignments",
    "实验中的一位客户",
    "a customer in an experiment",
    key="experiment_id customer_id",
    clock="assigned_at",
    columns=(
        _key("experiment_id", "实验编号", "experiment id", "assigned_at"),
        _key("customer_id", "客户编号", "customer id", "assigned_at"),
        Column("arm", "category", "组别", "arm", "assigned_at", required=True),
        _clock("assigned_at", "分组时间", "assigned"),
        Column("stratum", "category", "分层", "stratum", "assigned_at"),
        Column("cluster_id", "id", "整群编号", "cluster", "assigned_at"),
    ),
)
_OUTCOMES = _table(
    "outcomes",
    "实验中的一位客户，结果在别处测得",
    "a customer in an experiment, measured elsewhere",
    key="experiment_id customer_id",
    clock=None,
    is_open=True,
    columns=(
        _key("experiment_id", "实验编号", "experiment id", "experiment_id"),
        _key("customer_id", "客户编号", "customer id", "experiment_id"),
        Column("arm", "category", "组别", "arm", "experiment_id", required=True),
    ),
)
_DECISIONS = _table(
    "decisions",
    "触达策略的一次记录在案的选择",
    "one logged choice of a touch policy",
    key="decision_id",
    clock="decided_at",
    is_open=True,
    numbered=True,
    columns=(
        _key("decision_id", "决策编号", "decision id", "decided_at"),
        _key("customer_id", "客户编号", "customer id", "decided_at"),
        Column("action", "category", "动作", "action", "decided_at", required=True),
        Column("propensity", "share", "选中该动作的概率", "probability of this action", "decided_at", required=True),
        Column("reward", "number", "回报", "reward", None, required=True),
        _clock("decided_at", "决策时间", "decided", required=False),
    ),
)
_CONSENTS = _table(
    "consents",
    "一次同意状态的变化",
    "a change of consent",
    key="customer_id channel changed_at",
    clock="changed_at",
    columns=(
        _key("customer_id", "客户编号", "customer id", "changed_at"),
        Column("channel", "category", "渠道", "channel", "changed_at", required=True),
        Column(
            "status",
            "category",
            "同意或拒绝",
            "granted or refused",
            "changed_at",
            required=True,
            allowed=("granted", "refused"),
        ),
        _clock("changed_at", "变更时间", "changed"),
    ),
)
_GROUPS = _table(
    "groups",
    "一个客户群",
    "a customer group",
    key="group_id",
    clock="created_at",
    columns=(
        _key("group_id", "客户群编号", "group id", "created_at"),
        _clock("created_at", "建群时间", "created", required=False),
        Column("owner_staff_id", "id", "群主", "owner", "created_at"),
        Column("theme", "category", "主题", "theme", "created_at"),
    ),
)
_GROUP_MEMBERS = _table(
    "group_members",
    "一段群成员关系",
    "a membership of a group",
    key="group_id customer_id joined_at",
    clock="joined_at",
    columns=(
        _key("group_id", "客户群编号", "group id", "joined_at"),
        _key("customer_id", "客户编号", "customer id", "joined_at"),
        _clock("joined_at", "入群时间", "joined"),
        Column("left_at", "instant", "退群时间", "left", "left_at"),
    ),
)
_STAFF = _table(
    "staff",
    "一名员工",
    "a member of staff",
    key="staff_id",
    clock="hired_at",
    columns=(
        _key("staff_id", "员工编号", "staff id", "hired_at"),
        _clock("hired_at", "入职时间", "hired", required=False),
        Column("left_at", "instant", "离职时间", "left", "left_at"),
        Column("hourly_cost", "money", "每小时成本", "cost an hour", "hired_at", unit="currency"),
        Column("contact_capacity", "count", "好友上限", "contact capacity", "hired_at", unit="contacts"),
    ),
)
_STAFF_DAILY = _table(
    "staff_daily",
    "一名员工的一天",
    "a day of a member of staff",
    key="staff_id date",
    clock="date",
    columns=(
        _key("staff_id", "员工编号", "staff id", "date"),
        Column("date", "date", "日期", "day", "date", required=True),
        Column("new_apply_cnt", "count", "发起申请数", "requests sent", "date"),
        Column("new_contact_cnt", "count", "新增客户数", "new contacts", "date"),
        Column("chat_cnt", "count", "聊天总数", "chats", "date"),
        Column("message_cnt", "count", "发送消息数", "messages", "date"),
        Column("reply_percentage", "share", "已回复聊天占比", "share of chats replied to", "date"),
        Column("avg_reply_time", "number", "平均首次回复时长", "mean time to first reply", "date", unit="minutes"),
        Column("negative_feedback_cnt", "count", "删除或拉黑的客户数", "customers who deleted or blocked", "date"),
    ),
)
_REFERRALS = _table(
    "referrals",
    "一次带来新客的邀请",
    "an invitation that brought someone",
    key="referrer_id referee_id",
    clock="referred_at",
    columns=(
        _key("referrer_id", "推荐人", "referrer", "referred_at"),
        _key("referee_id", "被推荐人", "referee", "referred_at"),
        _clock("referred_at", "推荐时间", "referred"),
        Column("mechanism", "category", "机制", "mechanism", "referred_at"),
        Column("reward_cost", "money", "奖励成本", "cost of the reward", "referred_at", unit="currency"),
    ),
)
_SPEND = _table(
    "spend",
    "一天一个来源的获客花费",
    "acquisition spend of a day and source",
    key="date source",
    clock="date",
    columns=(
        Column("date", "date", "日期", "day", "date", required=True),
        Column("source", "category", "来源", "source", "date", required=True),
        Column("amount", "money", "花费", "spend", "date", required=True, unit="currency"),
    ),
)
_TAGS = _table(
    "tags",
    "客户身上的一个标签",
    "a tag on a customer",
    key="customer_id tag tagged_at",
    clock="tagged_at",
    columns=(
        _key("customer_id", "客户编号", "customer id", "tagged_at"),
        Column("tag", "category", "标签", "tag", "tagged_at", required=True),
        _clock("tagged_at", "打标时间", "tagged"),
        Column("origin", "category", "来源", "origin", "tagged_at", allowed=("staff", "rule", "survey", "model")),
        Column("expires_at", "instant", "失效时间", "expires", "tagged_at"),
    ),
)
_SURVEYS = _table(
    "surveys",
    "一个回答",
    "an answer",
    key="customer_id question answered_at",
    clock="answered_at",
    columns=(
        _key("customer_id", "客户编号", "customer id", "answered_at"),
        Column("question", "text", "问题", "question", "answered_at", required=True),
        Column("answer", "text", "回答", "answer", "answered_at", required=True),
        _clock("answered_at", "回答时间", "answered"),
    ),
)

TABLE_LABELS: Final[dict[str, tuple[str, str]]] = {
    "orders": ("订单", "orders"),
    "order_items": ("订单明细", "order lines"),
    "customers": ("客户", "customers"),
    "contacts": ("好友关系", "contacts"),
    "touches": ("触达", "touches"),
    "campaigns": ("活动", "campaigns"),
    "assignments": ("实验分组", "assignments"),
    "outcomes": ("实验结果", "outcomes"),
    "decisions": ("决策记录", "decisions"),
    "consents": ("同意与拒绝", "consents"),
    "groups": ("客户群", "groups"),
    "group_members": ("群成员", "group members"),
    "staff": ("员工", "staff"),
    "staff_daily": ("员工日报", "staff days"),
    "referrals": ("推荐", "referrals"),
    "spend": ("获客花费", "acquisition spend"),
    "tags": ("标签", "tags"),
    "surveys": ("问卷", "surveys"),
}
"""Table → what a reader calls it, in Chinese and English."""

CONTRACTS: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        _ORDERS,
        _ORDER_ITEMS,
        _CUSTOMERS,
        _CONTACTS,
        _TOUCHES,
        _CAMPAIGNS,
        _ASSIGNMENTS,
        _OUTCOMES,
        _DECISIONS,
        _CONSENTS,
        _GROUPS,
        _GROUP_MEMBERS,
        _STAFF,
        _STAFF_DAILY,
        _REFERRALS,
        _SPEND,
        _TAGS,
        _SURVEYS,
    )
}
