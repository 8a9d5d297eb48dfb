"""What the trade's words for a state mean: exports say 交易成功 where a contract says ``paid``."""

from typing import Final

__all__ = ["CHANNELS", "meanings"]

_MEANINGS: Final[dict[str, str]] = {
    "paid": (
        "已付款 已支付 支付成功 交易成功 交易完成 已完成 完成 已发货 待发货 已收货 已签收 成功 正常 "
        "Paid PAID completed Completed complete shipped delivered success"
    ),
    "refunded": "已退款 退款成功 全额退款 已退货 退货退款 退款完成 退款 Refunded REFUNDED returned Returned",
    "cancelled": (
        "已取消 取消 交易关闭 已关闭 订单关闭 已作废 未付款 待付款 等待买家付款 "
        "Cancelled CANCELLED canceled Canceled closed unpaid"
    ),
    "customer": "客户 客户删除 Customer",
    "staff": "员工 员工删除 导购 Staff",
    "granted": "同意 已同意 允许 接受 Granted yes Yes",
    "refused": "拒绝 已拒绝 退订 不同意 Refused no No",
    "rule": "规则 自动 Rule",
    "survey": "问卷 调查 Survey",
    "model": "模型 算法 Model",
}

CHANNELS: Final[dict[str, str]] = {
    word: channel
    for channel, words in {
        "private_chat": "私聊 企微私聊 企业微信 企业微信私聊 企微 微信私聊 好友私聊 单聊 一对一",
        "group": "社群 客户群 企微群 微信群 群聊 群",
        "moments": "朋友圈 客户朋友圈 企微朋友圈",
        "official_account": "公众号 服务号 订阅号 公众号消息 模板消息",
        "mini_program": "小程序 订阅消息 小程序订阅消息",
        "sms": "短信 SMS 手机短信 营销短信",
        "call": "电话 外呼 电话外呼",
        "mail": "邮寄 直邮",
    }.items()
    for word in words.split()
}
"""Channel of the registry by the word an export has for it; a channel by another word stays what it is called."""


def meanings(*, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return {word of the trade: word of the contract} for the allowed values of a column.

    Examples:
        >>> meanings(allowed=("paid", "refunded"))["交易成功"]
        'paid'
    """
    return {word: meaning for meaning in allowed for word in _MEANINGS.get(meaning, "").split()}
