"""What the trade's words for a state mean: exports say 交易成功 where a contract says ``paid``."""

from typing import Final

__all__ = ["meanings"]

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


def meanings(*, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return {word of the trade: word of the contract} for the allowed values of a column.

    Examples:
        >>> meanings(allowed=("paid", "refunded"))["交易成功"]
        'paid'
    """
    return {word: meaning for meaning in allowed for word in _MEANINGS.get(meaning, "").split()}
