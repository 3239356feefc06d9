"""Units: length, mass, volume, time, area, speed, data, temperature; exact factors to the base unit of each kind.

convert(12, "mile", "km") = 19.312128. Names in English and Chinese; sources: the international yard and pound (1959),
SI, and for 斤 里 亩 the Chinese market units.
"""

from decimal import Decimal, InvalidOperation

from tiny_agent.tools import ToolError

FACTORS: dict[str, dict[str, str]] = {
    "length": {"m": "1", "km": "1000", "cm": "0.01", "mm": "0.001", "mile": "1609.344", "yard": "0.9144",
               "foot": "0.3048", "inch": "0.0254", "nautical mile": "1852", "里": "500"},
    "mass": {"kg": "1", "g": "0.001", "mg": "0.000001", "t": "1000", "pound": "0.45359237", "ounce": "0.028349523125",
             "斤": "0.5", "两": "0.05"},
    "volume": {"l": "1", "ml": "0.001", "m3": "1000", "gallon": "3.785411784", "pint": "0.473176473"},
    "time": {"s": "1", "min": "60", "h": "3600", "day": "86400", "week": "604800"},
    "area": {"m2": "1", "km2": "1000000", "ha": "10000", "acre": "4046.8564224"},
    "speed": {"m/s": "1", "km/h": "0.277777777777777777777777777778", "mph": "0.44704", "knot": "0.514444444444444444"},
    "data": {"byte": "1", "kb": "1000", "mb": "1000000", "gb": "1000000000", "kib": "1024", "mib": "1048576",
             "gib": "1073741824", "bit": "0.125"},
}  # fmt: skip
SAME = {
    "metre": "m", "meter": "m", "米": "m", "kilometre": "km", "kilometer": "km", "公里": "km", "千米": "km",
    "centimetre": "cm", "centimeter": "cm", "厘米": "cm", "millimetre": "mm", "millimeter": "mm", "毫米": "mm",
    "mi": "mile", "英里": "mile", "yd": "yard", "码": "yard", "ft": "foot", "feet": "foot", "英尺": "foot",
    "in": "inch", "inches": "inch", "英寸": "inch", "kilogram": "kg", "kilo": "kg", "公斤": "kg", "千克": "kg",
    "gram": "g", "克": "g", "milligram": "mg", "毫克": "mg", "tonne": "t", "ton": "t", "吨": "t", "lb": "pound",
    "磅": "pound", "oz": "ounce", "盎司": "ounce", "litre": "l", "liter": "l", "升": "l", "millilitre": "ml",
    "milliliter": "ml", "毫升": "ml", "加仑": "gallon", "second": "s", "秒": "s", "minute": "min", "分钟": "min",
    "hour": "h", "小时": "h", "天": "day", "周": "week", "平方米": "m2", "m²": "m2", "m³": "m3", "公顷": "ha",
    "hectare": "ha", "英亩": "acre", "kmh": "km/h", "公里/小时": "km/h", "kilobyte": "kb", "megabyte": "mb",
    "gigabyte": "gb", "celsius": "c", "°c": "c", "摄氏度": "c", "fahrenheit": "f", "°f": "f", "华氏度": "f",
    "kelvin": "k", "开尔文": "k",
}  # fmt: skip
TEMPERATURES = {"c": (Decimal(1), Decimal("273.15")), "f": (Decimal(5) / Decimal(9), Decimal("459.67") * 5 / 9),
                "k": (Decimal(1), Decimal(0))}  # kelvin = degrees * factor + offset  # fmt: skip


def convert(value: str | float, unit: str, to: str) -> str:
    """The value in the other unit, with up to 10 digits; ToolError for units that don't go together."""
    try:
        number = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        raise ToolError(f"{value!r} is no number") from None
    if not number.is_finite() or abs(number) > Decimal("1e30"):
        raise ToolError(f"{value!r} is too large")
    source, target = _named(unit), _named(to)
    if source in TEMPERATURES and target in TEMPERATURES:
        factor, offset = TEMPERATURES[source]
        back, shift = TEMPERATURES[target]
        return written((number * factor + offset - shift) / back)
    for factors in FACTORS.values():
        if source in factors and target in factors:
            return written(number * Decimal(factors[source]) / Decimal(factors[target]))
    kinds = {name: kind for kind, factors in FACTORS.items() for name in factors} | dict.fromkeys(
        TEMPERATURES, "temperature"
    )
    raise ToolError(f"{unit} is {kinds[source]} and {to} is {kinds[target]}; they can't be converted")


def written(number: Decimal) -> str:
    """Ten digits, without zeros at the end."""
    text = f"{number:.10g}"
    if "e" in text.lower():
        text = f"{Decimal(text):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _named(unit: str) -> str:
    plain = unit.strip().lower().rstrip(".")
    known = {name for factors in FACTORS.values() for name in factors} | TEMPERATURES.keys()
    for candidate in (plain, plain.removesuffix("s"), plain.removesuffix("es")):
        name = SAME.get(candidate, candidate)
        if name in known:
            return name
    raise ToolError(f"unknown unit {unit!r}; such as {', '.join(sorted(known, key=len)[:16])}")
