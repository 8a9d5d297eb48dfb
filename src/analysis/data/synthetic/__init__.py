"""Three synthetic brands whose truth is known: coffee, beauty, hair_transplant."""

from analysis.data.synthetic.assemble import SMALLEST, generate
from analysis.data.synthetic.brands import BRANDS, Brand, brand_named

__all__ = ["BRANDS", "SMALLEST", "Brand", "brand_named", "generate"]
