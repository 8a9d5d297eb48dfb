"""A printed page whose Chinese can be searched and copied.

A browser writes beside each glyph of a PDF which character it stands for. Fonts draw a radical (U+2F64) and the
character that looks like it (U+7528) with one glyph, and the browser names the lower code: whoever searches the PDF
for the word finds nothing. Here each such name is put right; nothing that is seen changes.
"""

import re
import zlib
from typing import Final

__all__ = ["searchable"]

_LOOKALIKES: Final = (
    "⺂⺃⺅⺇⺉⺋⺍⺏⺐⺒⺓⺔⺕⺖⺘⺙⺛⺞⺟⺠⺡⺣⺤⺦⺨⺩⺭⺮⺯⺰⺱⺳⺹⺺⺽⺾⺿⻀⻂⻅⻆⻇⻈⻉⻊⻋⻌⻐"
    "⻑⻒⻓⻔⻕⻖⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻮⻯⻰⻱⻲⻳⼀⼁⼂⼃⼄⼅⼆⼇⼈⼉⼊⼋⼌⼍⼎"
    "⼏⼐⼑⼒⼓⼔⼕⼖⼗⼘⼙⼚⼛⼜⼝⼞⼟⼠⼡⼢⼣⼤⼥⼦⼧⼨⼩⼫⼬⼭⼮⼯⼰⼱⼲⼴⼵⼶⼷⼸⼺⼻⼼⼽⼾⼿⽀⽁"
    "⽂⽃⽄⽅⽆⽇⽈⽉⽊⽋⽌⽍⽎⽏⽐⽑⽒⽓⽔⽕⽖⽗⽘⽙⽚⽛⽜⽝⽞⽟⽠⽡⽢⽣⽤⽥⽦⽧⽨⽩⽪⽫⽬⽭⽮⽯⽰⽱"
    "⽲⽳⽴⽵⽶⽷⽸⽹⽺⽻⽼⽽⽿⾀⾁⾂⾃⾄⾅⾆⾇⾈⾉⾊⾋⾌⾍⾎⾏⾐⾑⾒⾔⾕⾖⾗⾘⾙⾚⾛⾜⾝⾞⾟⾠⾡⾢⾣"
    "⾤⾥⾦⾨⾩⾪⾫⾬⾭⾮⾯⾰⾱⾲⾳⾴⾵⾶⾸⾹⾺⾼⾽⾾⾿⿀⿂⿃⿄⿅⿆⿇⿈⿉⿊⿋⿌⿍⿎⿏⿑⿒⿓⿕"
    "\u2012"  # the dash as wide as a digit; pages write the one of ranges
)
_CHARACTERS: Final = (
    "乛乚亻𠘨刂㔾𭕄尣尢巳幺彑彐忄扌攵旡歺母民氵灬爫丬犭𤣩礻𥫗糹纟罓㓁耂肀𦥑艹艹艹衤见角𧢲讠贝𧾷车辶钅"
    "長镸长门𨸏阝青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐齿竜龙龜亀龟一丨丶丿乙亅二亠人儿入八冂冖冫"
    "几凵刀力勹匕匚匸十卜卩厂厶又口囗土士夂夊夕大女子宀寸小尸屮山巛工己巾干广廴廾弋弓彡彳心戈户手支攴"
    "文斗斤方无日曰月木欠止歹殳毋比毛氏气水火爪父爻爿片牙牛犬玄玉瓜瓦甘生用田疋疒癶白皮皿目矛矢石示禸"
    "禾穴立竹米糸缶网羊羽老而耳聿肉臣自至臼舌舛舟艮色艸虍虫血行衣襾見言谷豆豕豸貝赤走足身車辛辰辵邑酉"
    "釆里金門阜隶隹雨靑非面革韋韭音頁風飛首香馬高髟鬥鬯鬲魚鳥鹵鹿麥麻黃黍黑黹黽鼎鼓鼠齊齒龍龠"
    "\u2013"
)
_MEANT: Final = str.maketrans(_LOOKALIKES, _CHARACTERS)
_OBJECT: Final = re.compile(rb"(?P<head>\d+ \d+ obj\n<<(?P<about>.*?)>> stream\n)(?P<rest>.*)", re.DOTALL)
_LENGTH: Final = re.compile(rb"/Length (\d+)")
_PAIR: Final = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>")
_RANGE: Final = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>")
_BLOCK: Final = re.compile(rb"\d+ beginbf(char|range)\n(.*?)endbf(?:char|range)\n", re.DOTALL)
_MOST: Final = 100  # pairs in one block, as the format allows


def searchable(printed: bytes) -> bytes:
    """Return a PDF of Chromium in which characters are named as they were written; others are left as they are.

    Args:
        printed: The file: objects one after the other, then one table of their places.
    """
    found = re.search(rb"startxref\n(\d+)\n%%EOF\s*\Z", printed)
    if found is None:
        return printed
    table = int(found[1])
    lines = re.match(rb"xref\n0 (\d+)\n((?:\d{10} \d{5} [nf] \n)+)", printed[table:])
    if lines is None:
        return printed
    places = [(int(line[:10]), line[17:18] == b"n") for line in lines[2].splitlines()]
    starts = sorted(place for place, used in places if used)
    moved, made = {}, [printed[: starts[0]]]
    size = starts[0]
    for start, end in zip(starts, [*starts[1:], table], strict=True):
        one = _renamed(printed[start:end])
        moved[start] = size
        made.append(one)
        size += len(one)
    entries = b"".join(
        b"%010d" % moved[place] + line[10:] + b"\n" if used else line + b"\n"
        for (place, used), line in zip(places, lines[2].splitlines(), strict=True)
    )
    rest = printed[table + lines.end() : found.start()]
    return b"".join([*made, b"xref\n0 ", lines[1], b"\n", entries, rest, b"startxref\n%d\n%%%%EOF\n" % size])


def _renamed(one: bytes) -> bytes:
    """Return an object of the file; if it names characters, with the right names."""
    found = _OBJECT.match(one)
    length = _LENGTH.search(found["about"]) if found else None
    if found is None or length is None or b"/FlateDecode" not in found["about"] or b"/Type" in found["about"]:
        return one
    packed, after = found["rest"][: int(length[1])], found["rest"][int(length[1]) :]
    try:
        names = zlib.decompress(packed)
    except zlib.error:
        return one
    if b"begincmap" not in names:
        return one
    again = zlib.compress(_named(names), 9)
    return found["head"].replace(length[0], b"/Length %d" % len(again), 1) + again + after


def _named(names: bytes) -> bytes:
    """Return a table of names with each glyph's own line, radicals replaced by characters."""
    pairs: list[tuple[bytes, str]] = []
    for kind, lines in _BLOCK.findall(names):
        if kind == b"char":
            pairs += [(glyph, _text(name)) for glyph, name in _PAIR.findall(lines)]
            continue
        for first, last, name in _RANGE.findall(lines):
            codes = range(int(first, 16), int(last, 16) + 1)
            text = _text(name)
            pairs += [
                (b"%0*X" % (len(first), code), text[:-1] + chr(ord(text[-1]) + step)) for step, code in enumerate(codes)
            ]
    blocks = []
    for start in range(0, len(pairs), _MOST):
        block = pairs[start : start + _MOST]
        named = [b"<%s> <%s>\n" % (glyph, _code(text.translate(_MEANT))) for glyph, text in block]
        blocks.append(b"%d beginbfchar\n%sendbfchar\n" % (len(named), b"".join(named)))
    before, _, after = _BLOCK.sub(b"\0", names).partition(b"\0")
    return before + b"".join(blocks) + after.replace(b"\0", b"")


def _text(name: bytes) -> str:
    return bytes.fromhex(name.decode()).decode("utf-16-be")


def _code(text: str) -> bytes:
    return text.encode("utf-16-be").hex().upper().encode()
