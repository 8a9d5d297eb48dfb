"""What headers usually mean: names that Chinese and English exports give to the contracts' columns.

Only ever a suggestion: loading maps what the book says, and an error or ``siyu check`` proposes the
line to add.
"""

from collections.abc import Iterable
from typing import Final

from analysis.checks import nearest
from analysis.data.contracts import CONTRACTS

__all__ = ["SYNONYMS", "likely_columns", "likely_header", "likely_product"]

SYNONYMS: Final[dict[str, str]] = {
    "order_id": (
        "订单号 订单编号 订单id 主订单编号 父订单号 交易单号 商户订单号 交易订单号 单号 小票号 流水号 销售单号 "
        "invoice invoiceno invoice_no order_no orderno order_number ordernumber transaction_id basket_id receipt_id"
    ),
    "customer_id": (
        "客户编号 客户id 会员id 会员编号 会员号 会员卡号 用户id 用户编号 买家id 买家昵称 买家会员名 "
        "买家账号 顾客编号 买家 openid unionid customer customerid customer_no cust_id user_id userid member_id "
        "buyer_id household_id client_id"
    ),
    "ordered_at": (
        "付款时间 支付时间 买家付款时间 订单付款时间 下单时间 订单创建时间 创建时间 成交时间 "
        "交易时间 下单日期 订单日期 日期 时间 销售日期 invoicedate invoice_date order_date orderdate order_time "
        "paid_at pay_time created_at purchase_date transaction_date date timestamp"
    ),
    "amount": (
        "实付金额 订单实付金额 买家实付金额 买家应付货款 实收金额 支付金额 付款金额 成交金额 订单金额 "
        "金额 销售额 应付金额 总金额 sales_value revenue total total_price totalprice paid_amount order_amount "
        "amount_paid spend sales net_amount"
    ),
    "status": "订单状态 交易状态 状态 order_status state",
    "refunded_at": "退款时间 退款完成时间 refund_time refund_date",
    "refund_of": "原订单号 原单号 关联订单号 original_order_id original_invoice",
    "discount": "优惠金额 折扣金额 优惠 折扣 店铺优惠 discount_amount retail_disc",
    "cost": "成本 商品成本 成本价 cost_of_goods cogs",
    "quantity": "数量 商品数量 购买数量 件数 宝贝总数量 qty n_items",
    "category": "品类 类目 商品类目 商品分类 分类 department product_category",
    "shop_channel": "渠道 下单渠道 成交渠道 订单来源 店铺 店铺名称 门店 store store_id sales_channel",
    "coupon_id": "优惠券 优惠券编号 券码 coupon coupon_code coupon_upc",
    "sku": "商品编码 商品编号 商品id 货号 规格编码 sku编码 商家编码 stockcode product_id item_id product_code",
    "staff_id": "员工编号 员工id 导购 导购员 客服 添加人 userid",
    "contact_id": "外部联系人id external_userid 好友id",
    "added_at": "添加时间 加好友时间 add_time createtime",
    "deleted_at": "删除时间 流失时间 delete_time",
    "channel": "触达渠道 发送渠道 渠道",
    "campaign_id": "活动编号 活动id 任务编号 群发任务 campaign",
    "assigned_at": "计划时间 发送时间 任务时间 推送时间 send_time",
    "read_at": "阅读时间 已读时间 open_time",
    "clicked_at": "点击时间 click_time",
    "name": "名称 活动名称 campaign_name",
    "starts_at": "开始时间 活动开始时间 start_date start_time",
    "ends_at": "结束时间 活动结束时间 end_date end_time",
    "first_seen_at": "注册时间 首次出现时间 入会时间 register_time",
    "source": "来源 渠道来源 获客渠道",
    "member_level": "会员等级 等级 level",
    "points": "积分 会员积分",
    "gender": "性别 sex",
    "birth_year": "出生年 出生年份",
    "tag": "标签 标签名",
    "tagged_at": "打标时间 打标签时间",
    "group_id": "群编号 群id chat_id",
    "joined_at": "入群时间 join_time",
    "date": "日期 统计日期 stat_time day",
    "referrer_id": "推荐人 邀请人 inviter_id",
    "referee_id": "被推荐人 被邀请人 invitee_id",
    "arm": "组别 实验组别 group variant segment treatment",
    "experiment_id": "实验编号 实验id experiment test_id",
}
"""Column of a contract → headers that mean it, most telling first."""


_PRICES: Final = ("price", "unitprice", "unit_price", "单价", "商品单价", "销售单价", "实付单价")


def _fold(header: str) -> str:
    return header.strip().casefold().replace(" ", "_").rstrip("（元）()").removesuffix("(元")


def likely_header(column: str, *, headers: list[str]) -> str | None:
    """Return the header that most likely means a column, or None.

    Examples:
        >>> likely_header("amount", headers=["订单号", "实付金额（元）"])
        '实付金额（元）'
    """
    return _named(headers, (column, *SYNONYMS.get(column, "").split())) or nearest(column, headers)


def likely_product(headers: list[str]) -> tuple[str, str] | None:
    """Return the headers of a quantity and a unit price, if there are both.

    Examples:
        >>> likely_product(["Invoice", "Quantity", "Price"])
        ('Quantity', 'Price')
    """
    quantity = _named(headers, ("quantity", *SYNONYMS["quantity"].split()))
    price = _named(headers, _PRICES)
    return (quantity, price) if quantity and price else None


def _named(headers: list[str], words: tuple[str, ...]) -> str | None:
    folded = {_fold(header): header for header in headers}
    return next((folded[word] for word in words if word in folded), None)


def likely_columns(headers: Iterable[str], *, table: str, known: Iterable[str] = ()) -> dict[str, str]:
    """Return {header: column of the table that it most likely means}, for headers that mean something.

    Args:
        headers: Headers of the source.
        table: Table of the contracts.
        known: Columns that have an origin already.

    Examples:
        >>> likely_columns(["订单号", "备注"], table="orders")
        {'订单号': 'order_id'}
    """
    meanings: dict[str, str] = {}
    headers, known = list(headers), set(known)
    for column in (name for name in CONTRACTS[table].names if name not in known):
        words = (column, *SYNONYMS.get(column, "").split())
        found = [header for word in words for header in headers if _fold(header) == word and header not in meanings]
        if found:
            meanings[found[0]] = column
    return meanings
