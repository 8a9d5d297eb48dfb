"""Why a page failed, in Chinese: errors speak English, and so do their remedies; a Chinese reader gets both."""

from typing import Final

__all__ = ["failed_words"]

_WORDS: Final = {
    "DeadlinePassed": (
        "整次运行的时限到了，这一页没有算完。",
        "在参数簿里把 deadline_minutes 调大，或让这一页少算一些。",
    ),
    "KernelDied": (
        "算这一页的进程中途退出了，常见的原因是内存不够。",
        "减少数据量，或换一台内存更大的机器，再运行一次。",
    ),
    "NoEndMarker": ("笔记本跑完了，但没有正常收尾。", "让最后一个单元格以 wb.finish() 结束。"),
    "OutputTooLarge": ("笔记本输出的内容太多。", "少显示一些，或者存成表。"),
    "CellNotRun": ("笔记本中途停下，后面的单元格没有运行。", "打开执行后的笔记本，看停在哪一步。"),
    "SystemExit": ("笔记本用 sys.exit 自己退出了。", "让最后一个单元格以 wb.finish() 结束。"),
    "CustomerLevelTable": ("可分享的表里出现了逐个客户的行。", "用 wb.private(名称, 表) 保存这张表。"),
    "MissingTableError": ("缺少需要的数据表。", "把这张表放进数据，或在参数簿的 data.tables 里写明它对应哪个文件。"),
    "TooFewError": ("客户太少，还答不了这个问题。", "等客户多一些，或把期限放长。"),
    "BookError": ("参数簿里有一项不对。", "按下面的英文原文改参数簿，再用 siyu check 检查。"),
    "DataError": ("数据不能照现在这样使用。", "按下面的英文原文检查数据，再运行一次。"),
    "MemoryError": ("内存不够。", "减少数据量，或换一台内存更大的机器，再运行一次。"),
}
_OTHER: Final = ("算到一半出错了，原因见下面的英文原文。", "")


def failed_words(kind: str) -> tuple[str, str]:
    """Return what happened and what to do, in Chinese.

    Args:
        kind: Class of the error, as in ``execute.Failure``.

    Examples:
        >>> failed_words("NoEndMarker")[1]
        '让最后一个单元格以 wb.finish() 结束。'
    """
    return _WORDS.get(kind, _OTHER)
